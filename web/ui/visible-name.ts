/** A name as it is, but for control characters, bytes that are not UTF-8 (which come as private characters), and those that turn the writing direction to make `gpj.exe` look like `exe.jpg`. */
export const visibleName = (name: string): string => name.replaceAll(/[\p{Cc}\uef80-\uefff\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '�');
