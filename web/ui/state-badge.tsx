import type { RunState } from '@sodate/contract/runs.ts';
import { Badge } from '@mantine/core';
import { IconBan, IconCheck, IconClock, IconLoader2, IconPlayerPlay, IconPlayerStop, IconX, type TablerIcon } from '@tabler/icons-react';
import { useWords } from '../kit/i18n/words.tsx';
import { badgeColours } from '../kit/theme.ts';
import classes from './state-badge.module.css';

/** A colour and a sign each, so that neither is needed alone. */
export const STATE_LOOKS: Readonly<Record<RunState, { readonly color: string; readonly icon: TablerIcon; readonly moving?: boolean }>> = {
  queued: { color: 'gray', icon: IconClock },
  starting: { color: 'cyan', icon: IconLoader2, moving: true },
  running: { color: 'blue', icon: IconPlayerPlay },
  stopping: { color: 'orange', icon: IconPlayerStop },
  finishing: { color: 'cyan', icon: IconLoader2, moving: true },
  succeeded: { color: 'green', icon: IconCheck },
  failed: { color: 'red', icon: IconX },
  cancelled: { color: 'gray', icon: IconBan },
};

/** A list has one in each row, so it has Mantine's classes without its component. */
export function StateBadge({ state, size = 'md' }: { readonly state: RunState; readonly size?: 'md' | 'lg' }) {
  const { t } = useWords();
  const { color, icon: Icon, moving } = STATE_LOOKS[state];
  const { root, section, label } = Badge.classes;
  return (
    <span className={`${root} ${classes['badge']} ${classes[size]}`} style={badgeColours(color)} data-with-left-section>
      <span className={section} data-position="left">
        <Icon size={size === 'lg' ? 16 : 13} aria-hidden className={moving === true ? classes['moving'] : undefined} />
      </span>
      <span className={label}>{t(`state.${state}`)}</span>
    </span>
  );
}
