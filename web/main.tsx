import './kit/no-eval.ts';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './kit/base.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { I18nextProvider } from 'react-i18next';
import { createI18n } from './kit/i18n/i18n.ts';
import { firstLanguage } from './kit/i18n/language.ts';
import { WordsProvider } from './kit/i18n/words.tsx';
import { fetchStylesAgain } from './kit/load-part.ts';
import { createPlatform, PlatformProvider } from './kit/platform.tsx';
import { recall } from './kit/remembered.ts';
import { beginFirstPage, createPageRouter } from './kit/router.tsx';
import { theme } from './kit/theme.ts';
import { takeFirstSignInSecret } from './session/first-sign-in-secret.ts';

/* Puts the page together, by hand and in one place: the secret out of the address first, then everything else. */

fetchStylesAgain();
const firstSignInSecret = takeFirstSignInSecret(window.location, window.history);
const platform = createPlatform(window.fetch.bind(window));
const language = firstLanguage(recall('language'), navigator.languages);
const router = createPageRouter({ platform, firstSignInSecret });
beginFirstPage(router);
const colours = localStorageColorSchemeManager({ key: 'sodate.theme' });
document.documentElement.lang = language;

const place = document.getElementById('root');
if (place === null) throw new Error('index.html has no #root');
void createI18n(language).then((i18n) =>
  createRoot(place).render(
    <I18nextProvider i18n={i18n}>
      <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colours}>
        <PlatformProvider value={platform}>
          <QueryClientProvider client={platform.queries}>
            <WordsProvider>
              <Notifications position="bottom-right" />
              <RouterProvider router={router} />
            </WordsProvider>
          </QueryClientProvider>
        </PlatformProvider>
      </MantineProvider>
    </I18nextProvider>,
  ),
);
