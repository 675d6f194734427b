import { useEffect, useMemo } from 'react';

/** An address for bytes that are here, of the type that we say, as long as they are shown; null while there are none. */
export function useObjectUrl(bytes: ArrayBuffer | undefined, mediaType: string): string | null {
  const address = useMemo(() => (bytes === undefined ? null : URL.createObjectURL(new Blob([bytes], { type: mediaType }))), [bytes, mediaType]);
  useEffect(
    () => () => {
      if (address !== null) URL.revokeObjectURL(address);
    },
    [address],
  );
  return address;
}
