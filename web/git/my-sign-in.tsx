import type { GitEndpoint } from '@sodate/contract/git.ts';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '../kit/platform.tsx';
import { GitCredentialForm } from './git-credential-form.tsx';
import { gitCredentialsQuery } from './git-queries.ts';

/** What I sign in with at one server, set from wherever it turned out to be missing. */
export function MySignIn({ tenant, endpoint, onClose }: { readonly tenant: string; readonly endpoint: GitEndpoint; readonly onClose: () => void }) {
  const credentials = useQuery(gitCredentialsQuery(useClient(), tenant));
  // Whether there is one already is said in the form; it does not wait for that.
  const present = credentials.data?.items.find((one) => one.endpoint.id === endpoint.id && one.owner === 'mine');
  return <GitCredentialForm tenant={tenant} endpoint={endpoint} owner="mine" present={present} onClose={onClose} />;
}
