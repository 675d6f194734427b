import { IconFile, IconPhoto } from '@tabler/icons-react';

/** By its name alone: the list is drawn before anything is known of the content. */
export function FileIcon({ name }: { readonly name: string }) {
  const Icon = /\.(?:png|jpe?g|gif|webp|bmp)$/i.test(name) ? IconPhoto : IconFile;
  return <Icon size={18} aria-hidden />;
}
