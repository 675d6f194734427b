import { CloseButton, Combobox, Group, Skeleton, Stack, Text, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { SEARCH_LENGTH_LIMIT, type SearchedThing } from '@sodate/contract/search.ts';
import { useQuery } from '@tanstack/react-query';
import { IconSearch } from '@tabler/icons-react';
import { type KeyboardEvent, Suspense, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { useClient } from '../kit/platform.tsx';
import { bothNames, useKnownNames } from '../metrics/metric-names.ts';
import { completeSearch, isPlainText, type KnownValues, nameAt, type Suggestion } from './complete-search.ts';
import type { SearchAsked } from './saved-searches.tsx';
import { SEARCH_FIELDS } from './search-fields.ts';
import { NotUnderstood } from './not-understood.tsx';
import { membersQuery } from './search-queries.ts';
import classes from './smart-search.module.css';

/** Not needed for the list to show. */
const SavedSearches = lazyPart(
  () => import('./saved-searches.tsx'),
  (part) => part.SavedSearches,
);

const SENT_AFTER_MS = 300;
const NO_NAMES = { metrics: [], parameters: [] };

/**
 * One field for the whole grammar of a list, with what can stand at the caret below it. Plain words are searched as they
 * are typed; a condition on Enter, on leaving the field, or when a value was chosen.
 */
export function SmartSearch({
  tenant,
  thing,
  asked,
  saved,
  tags,
  names = NO_NAMES,
  onOpen,
  error,
  onAsk,
}: {
  readonly tenant: string;
  readonly thing: SearchedThing;
  readonly asked: SearchAsked;
  /** What is saved: the search with all that narrows the list beside it. */
  readonly saved: SearchAsked;
  /** Tags to choose from: those in view. Others can be typed. */
  readonly tags: readonly string[];
  /** What `metric.` and the like can go on with before others of the tenant: names in view. */
  readonly names?: Pick<KnownValues, 'metrics' | 'parameters'>;
  /** Suggestions are wanted for the first time. */
  readonly onOpen?: () => void;
  /** What the server said to this search. */
  readonly error: unknown;
  readonly onAsk: (asked: SearchAsked, from: 'field' | 'saved') => void;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(asked.search ?? '');
  const [seen, setSeen] = useState(asked.search);
  /** What this field asked for and the address does not say yet. */
  const [pending, setPending] = useState<readonly (string | undefined)[]>([]);
  const [caret, setCaret] = useState(text.length);
  const input = useRef<HTMLInputElement>(null);
  /** Where the caret goes once the text is there that was chosen. */
  const caretNext = useRef<number | null>(null);
  if (seen !== asked.search) {
    setSeen(asked.search);
    const own = pending.indexOf(asked.search);
    setPending(own === -1 ? [] : pending.slice(own + 1));
    // Changed from elsewhere, such as by going back. What comes back of this field's own leaves what was typed meanwhile.
    if (own === -1 && (asked.search ?? '') !== text.trim()) setText(asked.search ?? '');
  }
  useLayoutEffect(() => {
    if (caretNext.current === null) return;
    input.current?.setSelectionRange(caretNext.current, caretNext.current);
    caretNext.current = null;
  });
  const box = useCombobox({ onDropdownOpen: () => onOpen?.(), onDropdownClose: () => box.resetSelectedOption() });
  const members = useQuery({ ...membersQuery(useClient(), tenant), enabled: box.dropdownOpened });
  const people = useMemo(() => (members.data?.items ?? []).map(({ user }) => user.name), [members.data]);
  const place = Math.min(caret, text.length);
  const name = nameAt(text, place, SEARCH_FIELDS[thing]);
  const others = useKnownNames(tenant, box.dropdownOpened ? name : null);
  const metrics = name?.kind === 'metric' ? bothNames(names.metrics, others) : names.metrics;
  const parameters = name?.kind === 'parameter' ? bothNames(names.parameters, others) : names.parameters;
  const suggestions = completeSearch(text, place, SEARCH_FIELDS[thing], { tags, people, metrics, parameters });

  const ask = (wanted: string): void => {
    const search = wanted.trim() === '' ? undefined : wanted.trim();
    if (search === asked.search) return;
    setPending((before) => [...before, search]);
    onAsk({ ...asked, search }, 'field');
  };
  const askSoon = useDebouncedCallback(ask, SENT_AFTER_MS);
  const askNow = (wanted: string): void => {
    askSoon.cancel();
    ask(wanted);
  };
  const type = (wanted: string, at: number): void => {
    setText(wanted);
    setCaret(at);
    box.resetSelectedOption();
    box.openDropdown();
    if (wanted.trim() === '' || isPlainText(wanted, SEARCH_FIELDS[thing])) askSoon(wanted);
    else askSoon.cancel();
  };
  const take = (one: Suggestion): void => {
    // What was to be sent is half of what it becomes now.
    askSoon.cancel();
    const before = text.slice(0, one.from) + one.insert;
    const behind = text.slice(caret);
    const next = before + (one.kind === 'value' ? behind.trimStart() : behind);
    caretNext.current = before.length;
    setText(next);
    setCaret(before.length);
    box.resetSelectedOption();
    if (one.kind === 'value') {
      box.closeDropdown();
      askNow(next);
    }
    input.current?.focus();
  };
  const listed = box.dropdownOpened && suggestions.length > 0;
  const onKeyDown = (event: KeyboardEvent): void => {
    // A search field empties itself on Escape; here it closes what is below it first.
    if (event.key === 'Escape' && listed) event.preventDefault();
    // Enter that ends the choice of a Japanese word is not ours.
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
    if (box.dropdownOpened && box.getSelectedOptionIndex() !== -1) return;
    event.preventDefault();
    box.closeDropdown();
    askNow(text);
  };
  return (
    <Stack gap={6}>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <Combobox
          store={box}
          position="bottom-start"
          width="target"
          onOptionSubmit={(index) => {
            const one = suggestions[Number(index)];
            if (one !== undefined) take(one);
          }}
        >
          <Combobox.Target withExpandedAttribute>
            <TextInput
              ref={input}
              type="search"
              role="combobox"
              className={classes['field'] ?? ''}
              classNames={{ input: classes['input'] ?? '' }}
              value={text}
              onChange={(event) => type(event.currentTarget.value, event.currentTarget.selectionStart ?? event.currentTarget.value.length)}
              onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
              onFocus={() => box.openDropdown()}
              onClick={() => box.openDropdown()}
              onBlur={() => {
                box.closeDropdown();
                askNow(text);
              }}
              onKeyDown={onKeyDown}
              maxLength={SEARCH_LENGTH_LIMIT}
              placeholder={t(`search.placeholder.${thing}`)}
              aria-label={t('search.field')}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              leftSection={<IconSearch size={16} aria-hidden />}
              rightSection={
                text === '' ? null : (
                  <CloseButton
                    size="sm"
                    aria-label={t('search.clear')}
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => {
                      setText('');
                      setCaret(0);
                      askNow('');
                    }}
                  />
                )
              }
            />
          </Combobox.Target>
          <Combobox.Dropdown hidden={!listed} className={classes['dropdown'] ?? ''}>
            <Combobox.Options mah={280} style={{ overflowY: 'auto' }} aria-label={t('search.suggestions')}>
              {suggestions.map((one, index) => (
                <Combobox.Option key={`${one.kind} ${one.label}`} value={String(index)}>
                  <Group gap="sm" justify="space-between" wrap="nowrap">
                    <Text span size="sm" ff="monospace" className={classes['label'] ?? ''}>
                      {one.label}
                    </Text>
                    <Text span size="xs" c="dimmed" className={classes['meaning'] ?? ''}>
                      {one.words !== null && t(`search.${one.words}`)}
                    </Text>
                  </Group>
                </Combobox.Option>
              ))}
            </Combobox.Options>
            <Combobox.Footer>
              <Text size="xs" c="dimmed">
                {t('search.howTo')}
              </Text>
            </Combobox.Footer>
          </Combobox.Dropdown>
        </Combobox>
        <Suspense fallback={<Skeleton w={36} h={36} />}>
          <SavedSearches tenant={tenant} thing={thing} asked={saved} onChoose={(chosen) => onAsk(chosen, 'saved')} />
        </Suspense>
      </Group>
      <NotUnderstood thing={thing} search={asked.search ?? ''} error={error} />
    </Stack>
  );
}
