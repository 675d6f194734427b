import { z } from 'zod';

// zod compiles parsers with `new Function` where it may, and looks whether it may when the first schema is made. The
// content security policy does not allow it, and even the look is reported as a violation. So this is imported first.
z.config({ jitless: true });
