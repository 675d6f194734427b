/** The network that a tenant's containers share. */
export interface TenantNetwork {
  readonly name: string;
  /** `sodate:<ip>` style entries, so that the platform is found by name. */
  readonly extraHosts: readonly string[];
}

export interface TenantNetworks {
  /** Makes it if it is missing. Idempotent, also at the same time. */
  ensure(tenantNumber: number): Promise<TenantNetwork>;
  /** Removes the networks of tenants that have no attempt. */
  removeUnused(tenantsInUse: ReadonlySet<number>): Promise<void>;
}
