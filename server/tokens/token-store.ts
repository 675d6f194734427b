import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { boundedTotal, cutPage, decodeCursor } from '#kit/db/page.ts';
import { type Standing, toStanding } from '#kit/http/access.ts';
import { hashSecret } from '#kit/secrets.ts';
import type { TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';
import type { Token } from '@sodate/contract/tokens.ts';
import { sql } from 'kysely';

export const TOKEN_PREFIX = 'sod_';
/** `last_used_at` is written at most this often: a token in a tight loop must not rewrite its row with each call. */
const LAST_USED_STEP_MS = 60_000;

export interface TokenUser {
  readonly user: UserId;
  readonly name: string;
  readonly tenant: TenantId;
  /** In that tenant. */
  readonly standing: Standing;
}

interface FoundToken {
  readonly secret_hash: Buffer;
  readonly id: string;
  readonly last_used_at: Date | null;
  readonly user_id: string;
  readonly user_name: string;
  readonly system_admin: boolean;
  readonly role: string | null;
  readonly tenant_id: string;
  readonly tenant_number: number;
  readonly tenant_name: string;
}

/** Whose tokens these secrets are, where they work and what their users are there; null for unknown, expired and ended ones and for disabled users. */
export async function findTokens(db: Database, secrets: readonly string[], now: Date): Promise<readonly ((TokenUser & { readonly id: TokenId }) | null)[]> {
  const hashes = secrets.map(hashSecret);
  // Written out: every request with a token asks this, and the query builder takes longer for it than the database.
  const { rows } = await sql<FoundToken>`
    select k.secret_hash, k.id, k.last_used_at, u.id as user_id, u.name as user_name, u.system_admin, m.role, t.id as tenant_id,
      t.number as tenant_number, t.name as tenant_name
    from tokens k join users u on u.id = k.user_id join tenants t on t.id = k.tenant_id
      left join memberships m on m.tenant_id = t.id and m.user_id = u.id
    where k.secret_hash = any(${hashes}::bytea[]) and (k.expires_at is null or k.expires_at > ${now}) and u.disabled_at is null`.execute(db);
  await noteUse(db, rows, now);
  const found = new Map(rows.map((row) => [row.secret_hash.toString('hex'), toTokenUser(row)]));
  return hashes.map((hash) => found.get(hash.toString('hex')) ?? null);
}

/** A row that somebody holds, to end the token perhaps, is left out: others are being looked up with it, and would wait. */
async function noteUse(db: Database, rows: readonly FoundToken[], now: Date): Promise<void> {
  const stale = new Date(now.getTime() - LAST_USED_STEP_MS);
  const ids = rows.filter(({ last_used_at }) => last_used_at === null || last_used_at <= stale).map(({ id }) => id);
  if (ids.length === 0) return;
  await sql`
    update tokens set last_used_at = ${now} where id in (
      select id from tokens where id = any(${ids}::uuid[]) and (last_used_at is null or last_used_at <= ${stale}) for update skip locked)`.execute(db);
}

const toTokenUser = (row: FoundToken): TokenUser & { readonly id: TokenId } => ({
  id: row.id as TokenId,
  user: row.user_id as UserId,
  name: row.user_name,
  tenant: row.tenant_id as TenantId,
  standing: toStanding({ ...row, id: row.tenant_id, number: row.tenant_number, name: row.tenant_name }),
});

const selectTokens = (db: Database, tenant: TenantId) =>
  db.selectFrom('tokens').innerJoin('users', 'users.id', 'tokens.user_id').where('tokens.tenant_id', '=', tenant);

const TOKEN_COLUMNS = [
  'tokens.id',
  'tokens.name',
  'tokens.created_at',
  'tokens.expires_at',
  'tokens.last_used_at',
  'users.id as user_id',
  'users.name as user_name',
  'users.display_name',
] as const;

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly user_id: string;
  readonly user_name: string;
  readonly display_name: string;
}

const toToken = (row: TokenRow): Token => ({
  id: row.id as TokenId,
  name: row.name,
  user: { id: row.user_id, name: row.user_name, displayName: row.display_name },
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

/** `owner: null` lists everybody's. */
export async function listTokens(
  db: Database,
  tenant: TenantId,
  ask: { readonly owner: UserId | null; readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ items: Token[]; nextCursor: string | null; total: { count: number; exact: boolean } }> {
  let matching = selectTokens(db, tenant);
  if (ask.owner !== null) matching = matching.where('tokens.user_id', '=', ask.owner);
  const key = decodeCursor(ask.cursor);
  let page = matching
    .select(TOKEN_COLUMNS)
    .orderBy('tokens.created_at', 'desc')
    .orderBy('tokens.id', 'desc')
    .limit(ask.limit + 1);
  if (key) page = page.where(sql<boolean>`(tokens.created_at, tokens.id) < (${key.at}, ${key.id})`);
  const [rows, total] = await Promise.all([page.execute(), boundedTotal(matching)]);
  const cut = cutPage(rows, ask.limit);
  return { items: cut.rows.map(toToken), nextCursor: cut.nextCursor, total };
}

export async function insertToken(
  tx: DatabaseTransaction,
  token: {
    readonly tenant: TenantId;
    readonly id: TokenId;
    readonly user: UserId;
    readonly name: string;
    readonly secretHash: Buffer;
    readonly expiresAt: Date | null;
    readonly now: Date;
  },
): Promise<Token> {
  await tx
    .insertInto('tokens')
    .values({
      tenant_id: token.tenant,
      id: token.id,
      user_id: token.user,
      name: token.name,
      secret_hash: token.secretHash,
      created_at: token.now,
      expires_at: token.expiresAt,
    })
    .execute();
  return toToken(await selectTokens(tx, token.tenant).select(TOKEN_COLUMNS).where('tokens.id', '=', token.id).executeTakeFirstOrThrow());
}

/** `owner: null` ends whosever it is. @returns whether there was one */
export async function deleteToken(db: Database, tenant: TenantId, id: TokenId, owner: UserId | null): Promise<boolean> {
  let ended = db.deleteFrom('tokens').where('tenant_id', '=', tenant).where('id', '=', id);
  if (owner !== null) ended = ended.where('user_id', '=', owner);
  return (await ended.returning('id').executeTakeFirst()) !== undefined;
}

export async function endTokensOf(tx: DatabaseTransaction, tenant: TenantId, user: UserId): Promise<void> {
  await tx.deleteFrom('tokens').where('tenant_id', '=', tenant).where('user_id', '=', user).execute();
}
