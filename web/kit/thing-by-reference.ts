import { useQuery } from '@tanstack/react-query';

interface Reference<Thing> {
  readonly tenant: string;
  /** As the live changes call it. */
  readonly topic: 'data' | 'dataset';
  /** Id or number, as the address has it. */
  readonly reference: string;
  readonly load: (reference: string, signal: AbortSignal) => Promise<Thing>;
}

/**
 * A thing named by its address. Addresses have numbers and live changes have ids, so the id is found once and the thing is
 * kept under it. `error` with a thing means that what is shown could not be loaded again, such as after a deletion.
 */
export function useThing<Thing extends { readonly id: string }>({ tenant, topic, reference, load }: Reference<Thing>) {
  const id = useQuery({
    queryKey: [tenant, `${topic}-id`, reference],
    queryFn: async ({ signal, client: queries }) => {
      const thing = await load(reference, signal);
      queries.setQueryData<Thing>([tenant, topic, thing.id], thing);
      return thing.id;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const thing = useQuery({
    queryKey: [tenant, topic, id.data ?? ''],
    queryFn: ({ signal }) => load(id.data ?? reference, signal),
    enabled: id.data !== undefined,
  });
  return { thing: thing.data, error: id.error ?? thing.error, refetch: (): void => void (id.error === null ? thing.refetch() : id.refetch()) };
}
