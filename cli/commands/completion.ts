import { usageError } from '../cli-error.ts';
import { type CliCommand, defineCommand, needed } from '../command.ts';
import { completionScript, SHELLS } from '../completion-script.ts';
import { makeProgram } from '../make-program.ts';

/** Made from the other commands, which it therefore gets handed. */
export function completionCommand(commands: () => readonly CliCommand[]): CliCommand {
  return defineCommand({
    path: 'completion',
    summary: 'A script that lets the shell complete commands and options',
    details: 'bash: source <(sodate completion bash)     zsh: source <(sodate completion zsh)     fish: sodate completion fish | source',
    args: { shell: needed('<shell>', SHELLS.join(', ')) },
    async run(input, cli) {
      const shell = SHELLS.find((one) => one === input.shell);
      if (shell === undefined) throw usageError(`"${input.shell}" is none of ${SHELLS.join(', ')}.`);
      await cli.terminal.out(
        completionScript(
          shell,
          makeProgram(commands(), () => Promise.resolve()),
        ),
      );
    },
  });
}
