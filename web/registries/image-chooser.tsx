import { Alert, Autocomplete, Collapse, Loader, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { ImagePath, listImages, listImageTags, listRegistries } from '@sodate/contract/registries.ts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { nodesQuery } from '../nodes/node-queries.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';

/** The machine itself instead of an image. */
const HOST = 'host';
const IMAGES_OFFERED = 100;

/** What a run's command finds around it: the machine itself, or a container image, typed or chosen from a registry. */
export function ImageChooser({
  tenant,
  value,
  onChange,
  error,
}: {
  readonly tenant: string;
  readonly value: string;
  readonly onChange: (image: string) => void;
  readonly error: string | null;
}) {
  const { t } = useTranslation();
  const nodes = useQuery(nodesQuery(useClient(), tenant));
  const executors = nodes.data?.items.flatMap((node) => node.executors) ?? [];
  const takesHost = executors.some(({ images }) => images !== 'any' && images.includes(HOST));
  const takesImages = executors.some(({ images }) => images === 'any');
  const [typed, setTyped] = useState(value === HOST ? '' : value);
  const [choosing, setChoosing] = useState(false);
  const onHost = value === HOST;
  const type = (image: string): void => {
    setTyped(image);
    onChange(image);
  };
  return (
    <Stack gap="sm">
      <SegmentedControl
        w="100%"
        maw={420}
        aria-label={t('request.image')}
        value={onHost ? 'host' : 'image'}
        onChange={(where) => onChange(where === 'host' ? HOST : typed)}
        data={[
          { value: 'host', label: t('submit.onHost') },
          { value: 'image', label: t('submit.inImage') },
        ]}
      />
      {nodes.data !== undefined && onHost && !takesHost && (
        <Alert color="orange" variant="light">
          {t('submit.noHost')}
        </Alert>
      )}
      {nodes.data !== undefined && !onHost && !takesImages && (
        <Alert color="orange" variant="light">
          {t('submit.noImages')}
        </Alert>
      )}
      {!onHost && (
        <>
          <TextInput
            label={t('request.image')}
            required
            placeholder="registry.example/team/model:1.0"
            value={value}
            onChange={(event) => type(event.currentTarget.value)}
            error={error}
            spellCheck={false}
          />
          <div>
            <UnstyledButton onClick={() => setChoosing(!choosing)} aria-expanded={choosing}>
              <Text size="sm" c="leaf" component="span" style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}>
                {choosing ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
                {t('submit.fromRegistry')}
              </Text>
            </UnstyledButton>
            <Collapse expanded={choosing} mt="sm">
              {choosing && <FromRegistry tenant={tenant} onChoose={type} />}
            </Collapse>
          </div>
        </>
      )}
    </Stack>
  );
}

function FromRegistry({ tenant, onChoose }: { readonly tenant: string; readonly onChoose: (image: string) => void }) {
  const { t } = useTranslation();
  const client = useClient();
  const [registry, setRegistry] = useState<string | null>(null);
  const [image, setImage] = useState('');
  const [tag, setTag] = useState('');
  const [wanted] = useDebouncedValue(image.trim(), 300);
  const registries = useQuery({ queryKey: ['registries'], queryFn: ({ signal }) => client.call(listRegistries, { signal }) });
  const images = useQuery({
    queryKey: [tenant, 'registry', registry, 'images', wanted],
    queryFn: ({ signal }) =>
      client.call(listImages, {
        params: { tenant, registry: registry ?? '' },
        query: { text: wanted === '' ? undefined : wanted, limit: IMAGES_OFFERED },
        signal,
      }),
    enabled: registry !== null,
    placeholderData: keepPreviousData,
  });
  const tags = useQuery({
    queryKey: [tenant, 'registry', registry, 'tags', wanted],
    queryFn: ({ signal }) => client.call(listImageTags, { params: { tenant, registry: registry ?? '' }, query: { image: wanted }, signal }),
    // A name typed in a registry that lists nothing may be right as well.
    enabled:
      registry !== null && ImagePath.safeParse(wanted).success && (images.error !== null || (images.data?.items.some(({ name }) => name === wanted) ?? false)),
  });
  if (registries.data?.items.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('submit.noRegistries')}
      </Text>
    );
  }
  const failure = registries.error ?? images.error ?? tags.error;
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="md">
        <Select
          label={t('submit.registry')}
          value={registry}
          data={(registries.data?.items ?? []).map(({ name, address }) => ({ value: name, label: name === address ? name : `${name} (${address})` }))}
          onChange={(name) => {
            setRegistry(name);
            setImage('');
            setTag('');
          }}
        />
        <Autocomplete
          label={t('submit.imageName')}
          value={image}
          disabled={registry === null}
          data={[...new Set((images.data?.items ?? []).map(({ name }) => name))]}
          filter={({ options }) => options}
          rightSection={images.isFetching ? <Loader size={14} /> : null}
          onChange={(name) => {
            setImage(name);
            setTag('');
          }}
        />
        <Autocomplete
          label={t('submit.tag')}
          value={tag}
          disabled={tags.data === undefined}
          data={(tags.data?.items ?? []).map(({ name }) => name)}
          limit={200}
          rightSection={tags.isFetching ? <Loader size={14} /> : null}
          onChange={(name) => {
            setTag(name);
            const chosen = tags.data?.items.find((one) => one.name === name);
            if (chosen !== undefined) onChoose(chosen.reference);
          }}
        />
      </SimpleGrid>
      {failure !== null && <ErrorPanel error={failure} />}
    </Stack>
  );
}
