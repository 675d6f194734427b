/** What a tenant has for itself, then what the whole installation shares. */
export const OF_TENANT = ['members', 'tokens', 'credentials', 'gitCredentials'] as const;
export const OF_INSTALLATION = ['nodes', 'git', 'registries', 'tenants', 'users'] as const;
const SECTIONS = [...OF_TENANT, ...OF_INSTALLATION] as const;
export type Section = (typeof SECTIONS)[number];

export const readAdministrationSearch = (search: Record<string, unknown>): { readonly section?: Section | undefined } => ({
  section: SECTIONS.find((section) => section === search['section']),
});
