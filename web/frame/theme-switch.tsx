import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import { IconCheck, IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

const LOOKS = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop } as const;

export function ThemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = LOOKS[colorScheme];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`${t('frame.theme')}: ${t(`frame.${colorScheme}`)}`}>
          <Current size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(['light', 'dark', 'auto'] as const).map((look) => {
          const Icon = LOOKS[look];
          return (
            <Menu.Item
              key={look}
              leftSection={<Icon size={16} aria-hidden />}
              rightSection={look === colorScheme ? <IconCheck size={14} aria-hidden /> : null}
              onClick={() => setColorScheme(look)}
            >
              {t(`frame.${look}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
