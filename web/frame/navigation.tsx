import { NavLink } from '@mantine/core';
import { RUN_KINDS } from '@sodate/contract/runs.ts';
import { Link, useLocation, useParams, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import classes from './frame.module.css';
import { PAGES, type PageName, pageOfPath } from './pages.ts';

/** The ways to the pages of a tenant; under the runs their kinds. */
export function Navigation({ tenant, onGo }: { readonly tenant: string; readonly onGo: () => void }) {
  const { t } = useTranslation();
  const search = useSearch({ strict: false });
  const { run, kind: started } = useParams({ strict: false });
  const path = useLocation({ select: ({ pathname }) => pathname });
  const here = pageOfPath(path);
  const kind = started ?? (run === undefined ? search.kind : RUN_KINDS.find((one) => run.startsWith(`${one}-`)));
  const onKind = here === 'runs' && kind !== undefined;
  return (
    <nav aria-label={t('frame.menu')}>
      {(Object.keys(PAGES) as PageName[]).map((page) => {
        const { to, icon: Icon } = PAGES[page];
        return (
          <div key={page}>
            <NavLink
              renderRoot={(props) => <Link {...props} to={to} params={{ tenant }} activeOptions={{ exact: true, includeSearch: true }} activeProps={{}} />}
              label={t(`nav.${page}`)}
              leftSection={<Icon size={18} aria-hidden />}
              active={here === page && !onKind}
              onClick={onGo}
            />
            {page === 'runs' &&
              RUN_KINDS.map((one) => (
                <NavLink
                  key={one}
                  className={classes['inner'] ?? ''}
                  renderRoot={(props) => (
                    <Link
                      {...props}
                      to="/tenants/$tenant/runs"
                      params={{ tenant }}
                      search={{ kind: one }}
                      activeOptions={{ exact: true, includeSearch: true }}
                      activeProps={{}}
                    />
                  )}
                  label={t(`kinds.${one}`)}
                  active={onKind && kind === one}
                  onClick={onGo}
                />
              ))}
          </div>
        );
      })}
    </nav>
  );
}
