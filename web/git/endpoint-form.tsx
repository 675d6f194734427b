import { Alert, Button, Code, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { createGitEndpoint, type GitEndpoint, updateGitEndpoint } from '@sodate/contract/git.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { type ChosenHostKeys, ENDPOINT_KINDS, type EndpointKind, hostKeysFor, wrongFields, writeEndpoint } from './endpoint-draft.ts';
import { transportOf } from './git-transport.ts';
import { HostKeysField } from './host-keys-field.tsx';

/** Registers where repositories come from, or changes what may change of it. */
export function EndpointForm({
  endpoint,
  onClose,
  onDone,
}: {
  readonly endpoint: GitEndpoint | null;
  readonly onClose: () => void;
  readonly onDone: (endpoint: GitEndpoint) => void;
}) {
  const { t } = useTranslation();
  const { t: tg } = useTranslation('git');
  const client = useClient();
  const [name, setName] = useState(endpoint?.name ?? '');
  const [kind, setKind] = useState<EndpointKind>(endpoint?.kind ?? 'github');
  const [root, setRoot] = useState(endpoint?.root ?? '');
  const [url, setUrl] = useState(endpoint?.url ?? '');
  const [apiUrl, setApiUrl] = useState('');
  const [lfsHosts, setLfsHosts] = useState<string[]>([...(endpoint?.lfsHosts ?? [])]);
  const [chosenKeys, setChosenKeys] = useState<ChosenHostKeys | null>(null);
  const [changingKeys, setChangingKeys] = useState(false);
  const local = kind === 'local';
  const transport = local ? null : transportOf(url);
  const hostKeys = hostKeysFor(url.trim(), chosenKeys);
  const draft = { name, kind, root, url, apiUrl, lfsHosts, hostKeys };
  const wrong = wrongFields(draft);
  const keysMissing = transport === 'ssh' && hostKeys === null && (endpoint === null || changingKeys);
  const send = useMutation({
    mutationFn: () => {
      if (endpoint === null) return client.call(createGitEndpoint, { body: writeEndpoint(draft) });
      const ofServer = local ? {} : { lfsHosts, ...(changingKeys && hostKeys !== null ? { hostKeys } : {}) };
      return client.call(updateGitEndpoint, { params: { endpoint: endpoint.id }, body: { name, ...ofServer } });
    },
    onSuccess: (done) => {
      onDone(done);
      onClose();
    },
  });
  const isNew = endpoint === null;
  return (
    <FormDialog
      title={isNew ? t('admin.newEndpoint') : t('datasets.edit', { name: endpoint.name })}
      submit={isNew ? t('action.create') : t('action.save')}
      valid={!keysMissing && (isNew ? wrong.size === 0 : !wrong.has('name') && !wrong.has('lfsHosts'))}
      sending={send.isPending}
      error={send.error}
      onSubmit={() => send.mutate()}
      onClose={onClose}
    >
      <TextInput label={t('data.name')} value={name} maxLength={255} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      <Select
        label={tg('kindLabel')}
        description={local ? undefined : tg(kind === 'plain' ? 'kindHintPlain' : 'kindHint')}
        value={kind}
        disabled={!isNew}
        allowDeselect={false}
        data={ENDPOINT_KINDS.map((value) => ({ value, label: tg(`kind.${value}`) }))}
        onChange={(value) => setKind(ENDPOINT_KINDS.find((one) => one === value) ?? kind)}
      />
      {local && (
        <TextInput
          label={t('admin.root')}
          description={t('admin.rootHint')}
          value={root}
          disabled={!isNew}
          maxLength={4096}
          spellCheck={false}
          onChange={(event) => setRoot(event.currentTarget.value)}
        />
      )}
      {!local && (
        <>
          <TextInput
            label={tg('url')}
            description={tg(isNew ? 'urlHint' : 'urlStays')}
            placeholder={kind === 'github' ? 'https://github.com' : 'https://git.example'}
            value={url}
            disabled={!isNew}
            maxLength={1000}
            inputMode="url"
            spellCheck={false}
            autoCapitalize="none"
            onChange={(event) => setUrl(event.currentTarget.value)}
            error={url !== '' && wrong.has('url') ? tg('urlForm') : null}
          />
          {transport === 'http' && (
            <Alert color="orange" variant="light" py="xs">
              {tg('unencrypted')}
            </Alert>
          )}
          {isNew && transport === 'ssh' && <HostKeysField url={url.trim()} known={[]} onChange={setChosenKeys} />}
          {!isNew && endpoint.hostKeys.length > 0 && (
            <Stack gap={6}>
              {!changingKeys && (
                <>
                  <Text size="sm" fw={500}>
                    {tg('hostKeys')}
                  </Text>
                  {endpoint.hostKeys.map(({ type, fingerprint }) => (
                    <Code key={fingerprint} style={{ overflowWrap: 'anywhere' }}>
                      {type} {fingerprint}
                    </Code>
                  ))}
                </>
              )}
              {changingKeys && (
                <HostKeysField url={endpoint.url ?? ''} known={endpoint.hostKeys.map(({ fingerprint }) => fingerprint)} onChange={setChosenKeys} />
              )}
              <div>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  onClick={() => {
                    setChangingKeys(!changingKeys);
                    setChosenKeys(null);
                  }}
                >
                  {tg(changingKeys ? 'keepKeys' : 'otherKeys')}
                </Button>
              </div>
            </Stack>
          )}
          {isNew && kind !== 'plain' && (
            <TextInput
              label={tg('apiUrl')}
              description={tg('apiUrlHint')}
              value={apiUrl}
              maxLength={1000}
              spellCheck={false}
              autoCapitalize="none"
              onChange={(event) => setApiUrl(event.currentTarget.value)}
              error={wrong.has('apiUrl') ? tg('apiUrlForm') : null}
            />
          )}
          <TagsInput
            label={tg('lfsHosts')}
            description={tg('lfsHostsHint')}
            value={lfsHosts}
            onChange={setLfsHosts}
            error={wrong.has('lfsHosts') ? tg('lfsHostsForm') : null}
          />
        </>
      )}
    </FormDialog>
  );
}
