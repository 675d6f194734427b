import { Alert } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useFlag } from '../kit/flag.ts';
import { usePlatform } from '../kit/platform.tsx';

/** Says that nothing shown is fresh while the server cannot be reached, and refreshes everything when it is back. */
export function ConnectionNote() {
  const { t } = useTranslation();
  const { connectionLost, queries } = usePlatform();
  const lost = useFlag(connectionLost);
  const wasLost = useRef(false);
  useEffect(() => {
    if (wasLost.current && !lost) void queries.invalidateQueries();
    wasLost.current = lost;
  }, [lost, queries]);
  if (!lost) return null;
  return (
    <Alert color="orange" variant="light" mb="sm" icon={<IconPlugConnectedX aria-hidden />} role="status">
      {t('frame.offline')}
    </Alert>
  );
}
