import { Badge, Group } from '@mantine/core';

/** Tags as they are, at most so many of them; the rest as a number. */
export function TagList({ tags, most = 100 }: { readonly tags: readonly string[]; readonly most?: number }) {
  if (tags.length === 0) return null;
  return (
    <Group gap={4} component="span">
      {tags.slice(0, most).map((tag) => (
        <Badge key={tag} variant="default" tt="none" radius="sm" size="sm" fw={450} maw="100%" component="span" title={tag}>
          {tag}
        </Badge>
      ))}
      {tags.length > most && (
        <Badge variant="transparent" c="dimmed" tt="none" size="sm" component="span" px={2} title={tags.slice(most).join(', ')}>
          +{tags.length - most}
        </Badge>
      )}
    </Group>
  );
}
