import { Badge } from '@mantine/core';
import classes from './tag-list.module.css';

/** Tags as they are, at most so many of them; the rest as a number. Lists draw hundreds, so they have Mantine's classes without its components. */
export function TagList({ tags, most = 100 }: { readonly tags: readonly string[]; readonly most?: number }) {
  if (tags.length === 0) return null;
  const { root, label } = Badge.classes;
  return (
    <span className={classes['tags']}>
      {tags.slice(0, most).map((tag) => (
        <span key={tag} className={`${root} ${classes['tag']}`} title={tag}>
          <span className={label}>{tag}</span>
        </span>
      ))}
      {tags.length > most && (
        <span className={`${root} ${classes['tag']} ${classes['more']}`} title={tags.slice(most).join(', ')}>
          <span className={label}>+{tags.length - most}</span>
        </span>
      )}
    </span>
  );
}
