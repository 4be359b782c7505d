"""The completion scripts of shells, and where they are installed.

A script asks lambdabuild for what may follow. It gets a line for each word, with a tab before what
explains it; or one line that begins with a tab, for what shells complete by themselves: files or
directories.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.output.streams import print_line

# macOS has bash 3.2: there is no `compopt`, and no `readarray`.
_BASH = """\
_lambdabuild_completion() {
    local current=${COMP_WORDS[COMP_CWORD]} line IFS=$'\\n'
    [ "$current" = "=" ] && current=
    COMPREPLY=()
    while read -r line; do
        case $line in
            $'\\tfiles' | $'\\tdirectories')
                local kind=-f
                [ "$line" = $'\\tfiles' ] || kind=-d
                while read -r line; do
                    COMPREPLY+=("$line")
                done < <(compgen "$kind" -- "$current")
                compopt -o filenames 2>/dev/null
                ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \\
        _LAMBDABUILD_COMPLETE=complete_bash "${1/#\\~/$HOME}" 2>/dev/null)
}

complete -F _lambdabuild_completion lambdabuild
"""

# As a file in `fpath`, zsh runs it at the first Tab, which has to complete as well.
_ZSH = """\
#compdef lambdabuild

_lambdabuild() {
    local line
    local -a answer words_of
    answer=("${(@f)$(COMP_WORDS="${(F)words[1,CURRENT]}" COMP_CWORD=$((CURRENT - 1)) \\
        _LAMBDABUILD_COMPLETE=complete_zsh ${~words[1]} 2>/dev/null)}")
    case $answer[1] in
        '') return 1 ;;
        $'\\tfiles' | $'\\tdirectories')
            compset -P '--[^=]#='
            if [[ $answer[1] == $'\\tfiles' ]]; then _files; else _files -/; fi
            return
            ;;
    esac
    for line in $answer; do
        words_of+=("${${${line%%$'\\t'*}//\\\\/\\\\\\\\}//:/\\\\:}${${(M)line%%$'\\t'*}:+:${line#*$'\\t'}}")
    done
    _describe -V lambdabuild words_of
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _lambdabuild "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _lambdabuild lambdabuild
fi
"""

_FISH = """\
function __lambdabuild_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (env COMP_WORDS=(string join \\n -- $before $current | string collect -N) \\
        COMP_CWORD=(count $before) _LAMBDABUILD_COMPLETE=complete_fish $before[1] 2>/dev/null)
    set -l flag (string match -r '^--[^=]*=' -- $current)
    set -l value (string replace -r '^--[^=]*=' '' -- $current)
    switch "$answer[1]"
        case \\tfiles
            set answer (__fish_complete_path $value)
        case \\tdirectories
            set answer (__fish_complete_directories $value)
        case '*'
            set -e flag
    end
    for line in $answer
        echo -- "$flag$line"
    end
end

complete --command lambdabuild --no-files --arguments '(__lambdabuild_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def show(shell: str) -> None:
    """Print the script of a shell; `auto` is the one that runs this."""
    for line in _script(_named(shell, os.environ)).splitlines():
        print_line(line)


def install(shell: str, environment: Mapping[str, str]) -> str:
    """Install the script of a shell for the user, and return what to tell of that."""
    shell = _named(shell, environment)
    home = Path.home()
    line = None
    if shell == "bash":
        file, start = home / ".bash_completions/lambdabuild.sh", home / ".bashrc"
        line = f"source '{file}'"
    elif shell == "zsh":
        file = home / ".zfunc/_lambdabuild"
        start = Path(environment.get("ZDOTDIR") or home) / ".zshrc"
        line = "fpath+=~/.zfunc; autoload -Uz compinit; compinit"
    else:
        base = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        file = base / "fish/completions/lambdabuild.fish"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_script(shell), "utf-8")
        if line is not None:
            _add(line, start)
    except OSError as error:
        raise LambdabuildError(
            f"cannot install completion for {shell}: {error.strerror}",
            at=[str(error.filename or file)],
            hint=f"`lambdabuild completion {shell}` prints the script",
        ) from error
    return f"completion for {shell} is in {file}; new shells have it"


def _add(line: str, start: Path) -> None:
    """Add a line to a file of the user, unless it is there."""
    text = ""
    with contextlib.suppress(FileNotFoundError):
        text = start.read_text("utf-8", "surrogateescape")
    if line not in text.splitlines():
        with start.open("a", encoding="utf-8") as file:
            file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")


def _named(shell: str, environment: Mapping[str, str]) -> str:
    """Return the name of a shell that there is a script for."""
    if shell != "auto":
        if shell in SCRIPTS:
            return shell
        hint = did_you_mean(shell, SCRIPTS) or "there are scripts for bash, zsh and fish"
        raise LambdabuildError(f"there is no completion for the shell `{shell}`", hint=hint)
    found = _running() or os.path.basename(environment.get("SHELL", ""))
    if found in SCRIPTS:
        return found
    raise LambdabuildError(
        "which shell this is cannot be told" if not found else f"`{found}` has no completion here",
        hint="name it, as in `lambdabuild completion bash`; zsh and fish are there as well",
    )


def _running() -> str | None:
    """Return the shell that runs this, where one of the processes above is a shell."""
    import shellingham  # type: ignore[import-untyped]

    try:
        name, _ = shellingham.detect_shell()
    except (shellingham.ShellDetectionFailure, OSError):
        return None
    return str(name)


def _script(shell: str) -> str:
    return SCRIPTS[shell]
