/** What the shells load: each asks the program itself, so nothing has to be loaded anew when it is updated. */

import type { Shell } from './commands/completion.ts';

const BASH = `# Completion of mcp-hangar for bash 3.2 and newer.
_mcp_hangar() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" program="\${COMP_WORDS[0]/#\\~/$HOME}" output kind line
  local IFS=$'\\n'
  COMPREPLY=()
  [ "$cur" = = ] && cur=
  output=$("$program" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
  kind=\${output%%$'\\n'*}
  case $kind in
    files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$cur")) ;;
    command) COMPREPLY=($(compgen -c -- "$cur")) ;;
    words)
      while read -r line; do
        COMPREPLY+=("\${line%%$'\\t'*}")
      done < <([ "$output" = words ] || printf '%s\\n' "\${output#*$'\\n'}")
      ;;
  esac
}
complete -F _mcp_hangar mcp-hangar
`;

const ZSH = `#compdef mcp-hangar
# Completion of mcp-hangar for zsh.
_mcp_hangar() {
  local -a lines described
  local line
  lines=("\${(@f)$("\${words[1]/#\\~/$HOME}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case "\${lines[1]}" in
    files) _files; return ;;
    command) _command_names -e; return ;;
    words) ;;
    *) return 1 ;;
  esac
  for line in "\${(@)lines[2,-1]}"; do
    if [[ "$line" == *$'\\t'* ]]; then
      described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    else
      described+=("\${line//:/\\\\:}")
    fi
  done
  _describe 'mcp-hangar' described
}
if [ "\${funcstack[1]}" = _mcp_hangar ]; then
  _mcp_hangar "$@"
else
  compdef _mcp_hangar mcp-hangar
fi
`;

const FISH = `# Completion of mcp-hangar for fish.
function __mcp_hangar_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($before[1] __complete $before[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files command
            __fish_complete_path "$current"
        case words
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c mcp-hangar -f -a '(__mcp_hangar_complete)'
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
