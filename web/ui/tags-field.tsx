import { TagsInput } from '@mantine/core';
import { Tag } from '@sodate/contract/names.ts';
import { useTranslation } from 'react-i18next';

const TAGS_LIMIT = 100;

/** Tags as they may be: what is not one is said at once and stays typed. */
export function TagsField({
  label,
  value,
  onChange,
  suggestions = [],
  description,
}: {
  readonly label: string;
  readonly value: readonly string[];
  readonly onChange: (tags: string[]) => void;
  readonly suggestions?: readonly string[];
  readonly description?: string;
}) {
  const { t } = useTranslation();
  const wrong = value.find((tag) => !Tag.safeParse(tag).success);
  return (
    <TagsInput
      label={label}
      description={description}
      value={[...value]}
      onChange={(tags) => onChange(tags.map((tag) => tag.trim()))}
      data={[...suggestions]}
      maxTags={TAGS_LIMIT}
      maxLength={128}
      splitChars={[',']}
      acceptValueOnBlur
      error={wrong === undefined ? null : t('data.tagForm')}
    />
  );
}
