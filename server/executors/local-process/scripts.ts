/**
 * The two small programs around every job, in POSIX sh because that is on every machine and starts in under a
 * millisecond. Nothing of a spec is ever part of these texts: it arrives as arguments and in files.
 */

export const LOCK_HELD = 75;
/** Runs the rest of the command line under an exclusive lock that it inherits, or not at all. */
export const lockCommand = (file: string): string[] => ['flock', '--nonblock', '--no-fork', '--conflict-exit-code', String(LOCK_HELD), file];

/** What comes before any program of an order: an environment without the server's. */
export const TOOL_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Starts monitors for a server. A server that forks copies its page tables: 5 ms when small, 150 ms with 1 GB in use, and
 * nothing else happens in it meanwhile. This shell is always small, and takes 2 ms.
 *
 * Arguments, the same for all: the folder of attempts, the program MONITOR, the cgroups above those of attempts. Standard
 * input has orders: the attempt, the number of words, and each word as its number of lines and the lines. It is read byte
 * by byte, 0.35 µs each, which is why nothing is in it that is known without it.
 *
 * `setsid --fork` gives each monitor a session of its own and, unlike `&`, does not make it ignore SIGINT, which its job
 * would inherit. It ends when the server does; monitors go on.
 */
export const LAUNCHER = `
home=$1 monitor=$2 trees=$3
while IFS= read -r attempt && IFS= read -r words; do
  set --
  while [ "$words" -gt 0 ]; do
    IFS= read -r lines && IFS= read -r word || exit 0
    while [ "$lines" -gt 1 ]; do
      IFS= read -r line || exit 0
      word="$word
$line"
      lines=$((lines - 1))
    done
    set -- "$@" "$word"
    words=$((words - 1))
  done
  SODATE_ATTEMPT=$attempt setsid --fork ${lockCommand('"$home/$attempt/lock"').join(' ')} sh "$monitor" "$home/$attempt" "$trees" "$@" </dev/null
done
`;

/**
 * Runs once per attempt, outside the sandbox, as the server's user, in a session of its own: the server may die.
 * Arguments: the attempt's folder, the cgroups above its own, the log file, limits (`file=value` in whichever of its
 * cgroups has that file, with `-` in front where the kernel may lack it), then the sandbox's command line. Lists are
 * separated by spaces. On standard output it says what the launcher's reader waits for: `<attempt> started`,
 * `already-started`, `failed`, `ended`.
 *
 * It is started under an exclusive lock on `lock`, whose descriptor (3) it and everything below it inherit: the lock is
 * free only when all of them are dead. Descriptor 4 is the log, 5 the sandbox's arguments, 6 the way to the server.
 *
 * `set -C` makes `>started` an exclusive creation, so that even a second monitor after a crash cannot run the job again.
 * Dying before that line: the attempt has not run, and the next start goes on. Dying after it: it never runs again.
 * Record of the exit and note overwrite bytes that were allocated beforehand: a full disk makes a start wait, but cannot
 * make the end of what has started unknown. The record is one write of less than a page, so that no half of it can be
 * seen: only a line that ends in ` .` counts.
 */
export const MONITOR = `
attempt=\${1##*/}
say() {
  trap '' PIPE
  echo "$attempt $1" >&6
  trap - PIPE
}
exec 6>&1
if ! { cd "$1" && [ -w "$3" ]; }; then
  say failed
  exit 1
fi
umask 077
ulimit -c 0
trap : TERM INT HUP
exec 4>>"$3"
cgroups= limits=$4
for tree in $2; do cgroups="$cgroups $tree/$attempt"; done
shift 4
if [ -e started ]; then
  say already-started
  exit 1
fi
if ! printf '%1023s\\n' '' >note; then
  say failed
  exit 1
fi
stat=
{ read -r stat </proc/self/stat; } 2>/dev/null
set -C
if ! true >started; then
  if [ -e started ]; then say already-started; else say failed; fi
  exit 1
fi
set +C
# No room for who it is: given back, which the lock makes safe, since no other monitor can be between these lines.
if ! echo "$$ $stat" 1<>started; then
  rm -f started
  say failed
  exit 1
fi
say started
exec 1<>note 2>&1
(
  for limit in $limits; do
    value=\${limit#*=} name=\${limit%%=*}
    name=\${name#-}
    for cgroup in $cgroups; do
      if [ -e "$cgroup/$name" ]; then
        case $limit in
          -*) { echo "$value" >"$cgroup/$name"; } 2>/dev/null ;;
          *) echo "$value" >"$cgroup/$name" || exit 71 ;;
        esac
        limit=-
      fi
    done
    case $limit in -*) ;; *) exit 71 ;; esac
  done
  for cgroup in $cgroups; do echo 0 >"$cgroup/cgroup.procs" || exit 71; done
  exec "$@" 5<plan/arguments 6>&-
)
code=$?
oom=0
# One for each version of cgroups.
for cgroup in $cgroups; do
  for file in "$cgroup/memory.oom_control" "$cgroup/memory.events"; do
    if [ -e "$file" ]; then
      while read -r key value; do if [ "$key" = oom_kill ]; then oom=$value; fi; done <"$file"
    fi
  done
done
# Whatever outlived the job's main process goes with it. In a process namespace the kernel has done that already.
for cgroup in $cgroups; do
  rounds=0
  while [ $rounds -lt 200 ] && read -r pid <"$cgroup/cgroup.procs"; do
    while read -r pid; do kill -9 "$pid" 2>/dev/null; done <"$cgroup/cgroup.procs"
    rounds=$((rounds + 1))
  done
done
printf 'exit %s %s .\\n' "$code" "$oom" 1<>plan/exit
say ended
`;

/**
 * Runs inside the sandbox with the job's rights, as the first process of its namespace: when it ends, the kernel has
 * ended everything in there. Arguments: the folder with the job's files, the working directory, the command.
 *
 * Its standard error is the attempt's note. `began` says that the sandbox was made; what is between `began` and `ended`
 * is the shell's message about a signal, which tells `exit 137` from a SIGKILL; no `ended` says that this very process
 * was killed. The subshell makes that message go to the note: a redirection on the command would catch it.
 *
 * The environment is a file of assignments, quoted by encodeEnvironment: read line by line, it took a system call for each
 * byte. Whatever that file said, it would be done with the job's rights, in its sandbox, like the job itself.
 */
export const SHIM = `
trap : TERM INT HUP
umask 022
_sodate_in=$1 _sodate_cwd=$2
shift 2
{ . "$_sodate_in/environment.sh"; } 2>/dev/null
echo began >&2
if ! cd "$_sodate_cwd" 2>&4; then
  echo ended >&2
  exit 127
fi
unset OLDPWD
( exec "$@" >&4 2>&4 4>&- 5<&- )
_sodate_code=$?
echo ended >&2
exit "$_sodate_code"
`;
