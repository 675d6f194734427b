import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Words {
  /** `data list`; empty for the program itself. */
  readonly path: string;
  readonly verbs: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly { readonly name: string; readonly summary: string; readonly choices: readonly string[] | null; readonly takesValue: boolean }[];
}

/** A script for a shell, made from the commands: no call of this program while typing, so completion is instant. */
export function completionScript(shell: Shell, program: Command): string {
  const words = collect(program, '');
  if (shell === 'bash') return bashScript(words);
  if (shell === 'zsh') return `#compdef sodate\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`;
  return fishScript(words);
}

function collect(command: Command, path: string): Words[] {
  const here: Words = {
    path,
    verbs: command.commands.map((one) => ({ name: one.name(), summary: one.description() })),
    options: [
      ...command.options.map((one) => ({ name: one.long ?? '', summary: one.description, choices: one.argChoices ?? null, takesValue: one.required })),
      { name: '--help', summary: 'help', choices: null, takesValue: false },
    ],
  };
  return [here, ...command.commands.flatMap((one) => collect(one, path === '' ? one.name() : `${path} ${one.name()}`))];
}

function bashScript(words: readonly Words[]): string {
  const choices = words.flatMap(({ path, options }) =>
    options.filter((one) => one.choices !== null).map((one) => `    '${path} ${one.name}') words='${one.choices?.join(' ') ?? ''}';;`),
  );
  const verbs = words.map(({ path, verbs: names, options }) => `    '${path}') words='${[...names, ...options].map((one) => one.name).join(' ')}';;`);
  return `# Completion of sodate for bash: source <(sodate completion bash)
_sodate() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' at word
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$word" in -*) break;; esac
    case "\${path:+$path }$word" in
${words
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      '${path}') path='${path}';;`)
  .join('\n')}
    esac
  done
  case "$path $before" in
${choices.join('\n')}
  esac
  if [ -z "$words" ]; then
    case "$path" in
${verbs.join('\n')}
    esac
    # After a noun and a verb, file names are offered where no option is being typed.
    case "$path $current" in *' '*' -'*) ;; *' '*' '*) words='';; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sodate sodate
`;
}

function fishScript(words: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const seen = (path: string): string =>
    path === ''
      ? '__fish_use_subcommand'
      : path
          .split(' ')
          .map((word) => `__fish_seen_subcommand_from ${word}`)
          .join('; and ');
  const lines = words.flatMap(({ path, verbs, options }) => {
    const names = verbs.map((one) => one.name).join(' ');
    const when = path !== '' && names !== '' ? `${seen(path)}; and not __fish_seen_subcommand_from ${names}` : seen(path);
    return [
      ...verbs.map((one) => `complete -c sodate -n ${quote(when)} -f -a ${one.name} -d ${quote(one.summary)}`),
      ...options.map((one) => {
        const value = one.choices === null ? (one.takesValue ? ' -r' : '') : ` -x -a ${quote(one.choices.join(' '))}`;
        return `complete -c sodate -n ${quote(when)} -l ${one.name.slice(2)}${value} -d ${quote(one.summary)}`;
      }),
    ];
  });
  return `# Completion of sodate for fish: sodate completion fish | source\n${lines.join('\n')}\n`;
}
