import { Alert, Button, Group, SegmentedControl, Skeleton, Stack, Stepper, Text, Title } from '@mantine/core';
import { getRun, type Run } from '@sodate/contract/run-routes.ts';
import type { SubmittedKind } from '@sodate/contract/runs.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { dropDraft, readDraft, writeDraft } from '../kit/drafts.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient, usePlatform } from '../kit/platform.tsx';
import { randomKey } from '../kit/random-key.ts';
import { recall, remember } from '../kit/remembered.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { checkSubmission, EMPTY_SUBMISSION, inferenceOn, type Step, STEP_NAMES, stepOf, Submission, submissionOf } from './submission.ts';
import { runReference } from './run-words.ts';
import { sendSubmission } from './send-submission.ts';
import { SubmitStep } from './submit-step.tsx';
import classes from './submit-page.module.css';

const route = getRouteApi('/signed-in/tenants/$tenant/runs/new/$kind');

/** Submits a run of any kind: in four steps, or all on one page; empty, or filled in from a run that exists. */
export function SubmitPage() {
  const { tenant, kind } = route.useParams();
  const { from, parent, dataset } = route.useSearch();
  const client = useClient();
  const origin = from ?? parent;
  const run = useQuery({
    queryKey: [tenant, 'run', 'copied', origin ?? ''],
    queryFn: ({ signal }) => client.call(getRun, { params: { tenant, run: origin ?? '' }, signal }),
    enabled: origin !== undefined,
    // Filled in once: what is typed over it must not be replaced.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (run.error !== null) return <ErrorPanel error={run.error} onRetry={() => void run.refetch()} />;
  if (origin !== undefined && run.data === undefined) return <Skeleton h={480} />;
  const filled =
    run.data === undefined ? { ...EMPTY_SUBMISSION, dataset: dataset === undefined ? '' : String(dataset) } : prefilled(kind, run.data, from !== undefined);
  const origins = `${kind} ${from ?? ''} ${parent ?? ''} ${dataset ?? ''}`;
  return (
    <Form
      key={`${tenant} ${origins}`}
      tenant={tenant}
      kind={kind}
      kept={`submit ${tenant} ${origins}`}
      filled={filled}
      copied={from === undefined ? null : (run.data ?? null)}
    />
  );
}

const prefilled = (kind: SubmittedKind, run: Run, again: boolean): Submission => {
  if (!again && kind === 'inference') return inferenceOn(run);
  const copied = submissionOf(run);
  return again ? copied : { ...copied, parents: kind === 'training' ? [runReference(run)] : [] };
};

function Form({
  tenant,
  kind,
  kept,
  filled,
  copied,
}: {
  readonly tenant: string;
  readonly kind: SubmittedKind;
  /** Under which name the draft is kept. */
  readonly kept: string;
  readonly filled: Submission;
  readonly copied: Run | null;
}) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const navigate = useNavigate();
  const [values, setValues] = useState(() => readDraft(kept, Submission) ?? filled);
  const [isDraft, setIsDraft] = useState(() => readDraft(kept, Submission) !== null);
  const [key, setKey] = useState(randomKey);
  const [tried, setTried] = useState<ReadonlySet<Step>>(new Set());
  const [step, setStep] = useState<Step>('what');
  const [onePage, setOnePage] = useState(copied !== null || recall('submit-view') === 'page');
  const title = t(`submit.title.${kind}`);
  usePageTitle(title, tenant);

  const { body, wrong } = checkSubmission(kind, values);
  const change = useCallback(
    (part: Partial<Submission>): void => {
      setValues((before) => {
        const next = { ...before, ...part };
        writeDraft(kept, next);
        return next;
      });
      // Another request must not be taken for the one before it.
      setKey(randomKey());
    },
    [kept],
  );
  const submit = useMutation({
    mutationFn: () => (body === null ? Promise.reject(new Error('not complete')) : sendSubmission(client, tenant, kind, body, key)),
    onSuccess: async (run) => {
      dropDraft(kept);
      void queries.invalidateQueries({ queryKey: [tenant, 'run', 'list'] });
      await navigate({ to: '/tenants/$tenant/runs/$run', params: { tenant, run: runReference(run) } });
    },
  });
  const send = (): void => {
    setTried(new Set(STEP_NAMES));
    if (body !== null) return submit.mutate();
    const first = STEP_NAMES.find((one) => [...wrong].some((field) => stepOf(field) === one));
    if (first !== undefined) setStep(first);
  };
  const at = STEP_NAMES.indexOf(step);
  const next = (): void => {
    setTried((before) => new Set([...before, step]));
    if (![...wrong].some((field) => stepOf(field) === step)) setStep(STEP_NAMES[at + 1] ?? step);
  };
  const part = (one: Step): ReactNode => (
    <SubmitStep tenant={tenant} kind={kind} step={one} values={values} wrong={tried.has(one) ? wrong : new Set()} onChange={change} />
  );
  const missing = [...tried].length > 0 && wrong.size > 0 && tried.size === STEP_NAMES.length;
  const sendButton = (
    <Button onClick={send} loading={submit.isPending}>
      {t('submit.send')}
    </Button>
  );
  return (
    <Stack gap="md" className={classes['form'] ?? ''}>
      <PageHead title={title} note={copied === null ? undefined : t('submit.copyOf', { run: runReference(copied) })}>
        <SegmentedControl
          size="xs"
          aria-label={t('lineage.view')}
          value={onePage ? 'page' : 'steps'}
          onChange={(view) => {
            setOnePage(view === 'page');
            remember('submit-view', view);
          }}
          data={[
            { value: 'steps', label: t('submit.inSteps') },
            { value: 'page', label: t('submit.onOnePage') },
          ]}
        />
      </PageHead>
      {isDraft && (
        <Alert color="gray" variant="light">
          <Group gap="xs">
            <Text size="sm">{t('submit.draft')}</Text>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => {
                dropDraft(kept);
                setValues(filled);
                setIsDraft(false);
              }}
            >
              {t('submit.startOver')}
            </Button>
          </Group>
        </Alert>
      )}
      {onePage ? (
        <Stack gap="xl">
          {STEP_NAMES.map((one) => (
            <section key={one}>
              <Title order={2} size="h4" mb="sm">
                {t(`submit.step.${one}`)}
              </Title>
              {part(one)}
            </section>
          ))}
        </Stack>
      ) : (
        <>
          <Stepper active={at} onStepClick={(index) => setStep(STEP_NAMES[index] ?? 'what')} size="sm" className={classes['steps'] ?? ''}>
            {STEP_NAMES.map((one) => (
              <Stepper.Step
                key={one}
                label={t(`submit.step.${one}`)}
                {...(tried.has(one) && [...wrong].some((field) => stepOf(field) === one) ? { color: 'red' } : {})}
              />
            ))}
          </Stepper>
          <Title order={2} size="h4" hiddenFrom="sm">
            {t(`submit.step.${step}`)}
          </Title>
          {part(step)}
        </>
      )}
      {missing && (
        <Alert color="red" variant="light" role="alert">
          {t('submit.missing')}
        </Alert>
      )}
      {submit.error !== null && body !== null && <ErrorPanel error={submit.error} />}
      <Group justify={onePage ? 'flex-end' : 'space-between'}>
        {onePage ? (
          sendButton
        ) : (
          <>
            <Button variant="default" disabled={at === 0} onClick={() => setStep(STEP_NAMES[at - 1] ?? step)}>
              {t('submit.previous')}
            </Button>
            {at < STEP_NAMES.length - 1 ? <Button onClick={next}>{t('submit.next')}</Button> : sendButton}
          </>
        )}
      </Group>
    </Stack>
  );
}
