/**
 * People: their accounts, passwords, one-time links and sessions. Passwords and secrets leave this folder only as hashes,
 * or once, to the person they are for. Knows nothing of tenants, nor of HTTP outside its routes.
 */
export { createUser } from './create-user.ts';
export { ensureFirstAdmin } from './ensure-first-admin.ts';
export { makePasswords } from './passwords.ts';
export { endSession, findSession, SESSION_PREFIX, type StartedSession } from './session-store.ts';
export { makeSignIn, type SignIn } from './sign-in.ts';
export { signInLinkUrl } from './sign-in-link-url.ts';
export { makeSignInThrottle } from './sign-in-throttle.ts';
export { sweepSignIns } from './sweep-sign-ins.ts';
export { updateUser } from './update-user.ts';
export { findUser, updateProfile } from './user-store.ts';
