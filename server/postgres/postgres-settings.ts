export interface PostgresSettings {
  /** False only for throw-away databases: a crash of the machine may then cost everything. */
  readonly durable: boolean;
  readonly maximumConnections: number;
}

export const DEFAULT_SETTINGS: PostgresSettings = { durable: true, maximumConnections: 60 };

/** The port only names the socket file; nothing listens on a network. */
export const SOCKET_PORT = 5432;

/**
 * Given on the command line at every launch, so an update of Sodate changes them without touching the data folder, and a
 * postgresql.conf that somebody edited there cannot make the database reachable or forgetful by accident.
 */
export function postgresArguments(dataFolder: string, socketFolder: string, settings: PostgresSettings): readonly string[] {
  const onOrOff = settings.durable ? 'on' : 'off';
  const values: Record<string, string | number> = {
    listen_addresses: '',
    port: SOCKET_PORT,
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`, // a list: unquoted, a comma in the path would split it
    unix_socket_permissions: '0700',
    max_connections: settings.maximumConnections,

    fsync: onOrOff,
    synchronous_commit: onOrOff,
    full_page_writes: onOrOff,
    // Bounds both the disk and the recovery after a crash: 445 MB were replayed in 2.0 s.
    max_wal_size: '512MB',
    min_wal_size: '80MB',
    checkpoint_timeout: '5min',

    // Only pages that were used count, but these stay. A search that looks at ten thousand places of a million rows reads most of them from here.
    shared_buffers: '128MB',
    effective_cache_size: '1GB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    // Its hints to read ahead cost more than reading, where the system's cache has the page: a bitmap's heap took 1.6 times as long with them.
    effective_io_concurrency: 0,
    maintenance_io_concurrency: 0,
    huge_pages: 'off',
    jit: 'off',
    // No worker processes for reading (three by default) and for replication: about 2 MB each, for nothing here.
    io_method: 'sync',
    max_logical_replication_workers: 0,
    max_wal_senders: 0,
    max_parallel_workers: 2,
    max_parallel_workers_per_gather: 1,
    autovacuum_max_workers: 2,
    // Queue tables are small and change all the time; a minute is long for them.
    autovacuum_naptime: '20s',

    // A server killed in a long query must not keep its locks until the query is done.
    client_connection_check_interval: '2s',

    // The program logs its own failed statements; here their text and values would only leak data.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    cluster_name: 'sodate',
  };
  return ['-D', dataFolder, ...Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
