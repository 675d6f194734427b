import { ActionIcon, Button, Group, NumberInput, SegmentedControl, SimpleGrid, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { EnvironmentName } from '@sodate/contract/names.ts';
import type { SubmittedKind } from '@sodate/contract/runs.ts';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { TagsField } from '../ui/tags-field.tsx';
import { DatasetChooser } from '../datasets/dataset-chooser.tsx';
import { ResourceChooser } from '../nodes/resource-chooser.tsx';
import { RunChooser } from './run-chooser.tsx';
import type { Field, Step, Submission } from './submission.ts';
import classes from './submit-step.module.css';

// What a page does not need to begin with comes after it.
const GitChooser = lazyPart(
  () => import('../git/git-chooser.tsx'),
  (part) => part.GitChooser,
);
const ImageChooser = lazyPart(
  () => import('../registries/image-chooser.tsx'),
  (part) => part.ImageChooser,
);

interface StepProps {
  readonly tenant: string;
  readonly kind: SubmittedKind;
  readonly step: Step;
  readonly values: Submission;
  /** Fields to be shown as not right yet. */
  readonly wrong: ReadonlySet<Field>;
  readonly onChange: (change: Partial<Submission>) => void;
}

/** One step of a submission. The same parts stand below each other when everything is on one page. */
export function SubmitStep(props: StepProps) {
  switch (props.step) {
    case 'what':
      return <What {...props} />;
    case 'code':
      return <Code {...props} />;
    case 'resources':
      return <ResourceChooser tenant={props.tenant} image={props.values.image} value={props.values} onChange={props.onChange} />;
    case 'options':
      return <Options {...props} />;
  }
}

function What({ tenant, kind, values, wrong, onChange }: StepProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <TextInput
        label={t('data.name')}
        required
        value={values.name}
        maxLength={255}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        error={wrong.has('name') ? t('data.nameForm') : null}
      />
      {kind !== 'task' && (
        <>
          <DatasetChooser
            tenant={tenant}
            value={values.dataset}
            onChange={(dataset) => onChange({ dataset })}
            error={wrong.has('dataset') ? t('submit.error.dataset') : null}
          />
          <RunChooser
            tenant={tenant}
            kind="training"
            label={t('submit.parents')}
            description={t(kind === 'inference' ? 'submit.parentsOfInference' : 'submit.parentsOfTraining')}
            value={values.parents}
            onChange={(parents) => onChange({ parents })}
          />
        </>
      )}
      {kind === 'inference' && (
        <RunChooser
          tenant={tenant}
          kind="inference"
          label={t('request.parentInferences')}
          description={t('submit.parentInferences')}
          value={values.parentInferences}
          onChange={(parentInferences) => onChange({ parentInferences })}
        />
      )}
    </Stack>
  );
}

function Code({ tenant, kind, values, wrong, onChange }: StepProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="lg">
      <Suspense fallback={<Skeleton h={120} />}>
        {kind !== 'task' && <GitChooser tenant={tenant} value={values} onChange={onChange} error={wrong.has('git') ? t('submit.error.git') : null} />}
        <ImageChooser
          tenant={tenant}
          value={values.image}
          onChange={(image) => onChange({ image })}
          error={wrong.has('image') ? t('submit.error.image') : null}
        />
      </Suspense>
      <div>
        <Textarea
          label={t('request.command')}
          description={t(values.words ? 'submit.wordsHint' : 'submit.scriptHint')}
          required
          classNames={{ input: classes['command'] ?? '' }}
          autosize
          minRows={3}
          maxRows={16}
          spellCheck={false}
          value={values.command}
          maxLength={100_000}
          onChange={(event) => onChange({ command: event.currentTarget.value })}
          error={wrong.has('command') ? t('submit.error.command') : null}
        />
        <SegmentedControl
          mt={6}
          size="xs"
          aria-label={t('submit.commandForm')}
          value={values.words ? 'words' : 'script'}
          onChange={(form) => onChange({ words: form === 'words' })}
          data={[
            { value: 'script', label: t('submit.script') },
            { value: 'words', label: t('submit.words') },
          ]}
        />
      </div>
    </Stack>
  );
}

function Options({ values, wrong, onChange }: StepProps) {
  const { t } = useTranslation();
  const { environment } = values;
  const setVariable = (index: number, change: Partial<Submission['environment'][number]>): void =>
    onChange({ environment: environment.map((one, at) => (at === index ? { ...one, ...change } : one)) });
  return (
    <Stack gap="md">
      <div role="group" aria-labelledby="environment">
        <Text size="sm" fw={500} mb={4} id="environment">
          {t('request.environment')}
        </Text>
        <Stack gap={6}>
          {environment.map(({ name, value }, index) => (
            <Group key={index} gap={6} wrap="nowrap" align="flex-start">
              <TextInput
                flex={1}
                aria-label={t('submit.variable', { number: index + 1 })}
                placeholder="NAME"
                value={name}
                maxLength={256}
                spellCheck={false}
                onChange={(event) => setVariable(index, { name: event.currentTarget.value })}
                error={(name !== '' || value !== '') && !EnvironmentName.safeParse(name).success ? t('submit.error.variable') : null}
              />
              <TextInput
                flex={2}
                aria-label={t('submit.variableValue', { number: index + 1 })}
                value={value}
                maxLength={32_768}
                spellCheck={false}
                onChange={(event) => setVariable(index, { value: event.currentTarget.value })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`${t('action.remove')}: ${name}`}
                onClick={() => onChange({ environment: environment.filter((_one, at) => at !== index) })}
              >
                <IconTrash size={17} />
              </ActionIcon>
            </Group>
          ))}
        </Stack>
        {wrong.has('environment') && (
          <Text size="xs" c="red" mt={4} role="alert">
            {t('submit.error.environment')}
          </Text>
        )}
        <Button
          mt={6}
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange({ environment: [...environment, { name: '', value: '' }] })}
        >
          {t('submit.addVariable')}
        </Button>
      </div>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
        <NumberInput
          label={t('submit.timeLimit')}
          description={t('submit.timeLimitHint')}
          value={values.timeLimitHours}
          min={0}
          max={480}
          decimalScale={3}
          onChange={(hours) => onChange({ timeLimitHours: hours === '' ? '' : Number(hours) })}
          error={wrong.has('timeLimitSeconds') ? t('submit.error.timeLimit') : null}
        />
        <NumberInput
          label={t('request.priority')}
          description={t('submit.priorityHint')}
          value={values.priority}
          min={-100}
          max={100}
          allowDecimal={false}
          onChange={(priority) => onChange({ priority: Number(priority) || 0 })}
          error={wrong.has('priority') ? t('submit.error.priority') : null}
        />
      </SimpleGrid>
      <TagsField label={t('data.tags')} value={values.tags} onChange={(tags) => onChange({ tags })} />
      <Textarea
        label={t('data.memo')}
        value={values.memo}
        maxLength={10_000}
        autosize
        minRows={2}
        maxRows={8}
        onChange={(event) => onChange({ memo: event.currentTarget.value })}
      />
    </Stack>
  );
}
