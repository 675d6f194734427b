/** The tags afterwards, in their order, the new ones last; null when nothing changes. What is both removed and added stays. */
export function changeTags(tags: readonly string[], added: readonly string[], removed: readonly string[]): string[] | null {
  const kept = tags.filter((tag) => !removed.includes(tag) || added.includes(tag));
  const result = [...new Set([...kept, ...added])];
  return result.length === tags.length && result.every((tag, index) => tag === tags[index]) ? null : result;
}
