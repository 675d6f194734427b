/** A name as it is, but for control characters and those that turn the writing direction to make `gpj.exe` look like `exe.jpg`. */
export const visibleName = (name: string): string => name.replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '�');
