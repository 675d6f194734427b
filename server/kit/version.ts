/** The version of the platform, as in package.json (scripts/check.sh compares). */
export const VERSION = '0.1.0';
