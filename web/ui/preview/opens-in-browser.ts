/** Files that a browser shows as a page, with what lies beside them. */
export const isPage = (name: string): boolean => /\.(html?|xhtml|svg|ipynb)$/i.test(name);

/** Files of which a tab of their own shows more than we do. */
export const opensInTab = (name: string): boolean => isPage(name) || /\.(pdf|png|apng|jpe?g|gif|webp|avif|bmp|mp4|webm|mp3|ogg|wav|flac)$/i.test(name);
