// Completion scripts for shells, from the table.

extension ProgramSpec {
  public static let shells = ["bash", "zsh", "fish"]

  /// The script for a shell of `shells`; nil for another.
  public func completions(for shell: String) -> String? {
    switch shell {
    case "bash": bash
    case "zsh": zsh
    case "fish": fish
    default: nil
    }
  }

  // MARK: bash

  private var bash: String {
    var text = """
      # Completions of \(name) for bash: source <(\(name) completions bash)
      _\(name)() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
        COMPREPLY=()
        if ((COMP_CWORD == 1)); then
          COMPREPLY=($(compgen -W '\(commands.map(\.name).joined(separator: " ")) --help --version' -- "$cur"))
          return
        fi
        case "$command $prev" in

      """
    for command in commands {
      for option in command.options where option.value != nil {
        text += "    '\(command.name) --\(option.name)') \(bash(option.kind)); return ;;\n"
      }
    }
    text += "  esac\n  case \"$command\" in\n"
    for command in commands {
      let options = command.allOptions.map { "--" + $0.name }.joined(separator: " ")
      let operand = command.operands.first.map { bash($0.kind) } ?? ":"
      text += """
            \(command.name))
              if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '\(options)' -- "$cur"))
              else \(operand); fi ;;

        """
    }
    return text + "  esac\n}\ncomplete -o filenames -F _\(name) \(name)\n"
  }

  private func bash(_ kind: ValueKind) -> String {
    switch kind {
    case .text: ":"
    case .file: #"COMPREPLY=($(compgen -f -- "$cur"))"#
    case .directory: #"COMPREPLY=($(compgen -d -- "$cur"))"#
    case .words(let words), .list(let words):
      #"COMPREPLY=($(compgen -W '"# + words.joined(separator: " ") + #"' -- "$cur"))"#
    }
  }

  // MARK: zsh

  private var zsh: String {
    var text = "#compdef \(name)\n# Completions of \(name) for zsh: source <(\(name) completions zsh)\n_\(name)() {\n"
    text += "  local -a commands=(\n"
    for command in commands { text += "    '\(command.name):\(zsh(command.summary))'\n" }
    text += "  )\n  if ((CURRENT == 2)); then _describe command commands; return; fi\n"
    text += "  local command=$words[2]\n  shift words; ((CURRENT--))\n  case $command in\n"
    for command in commands {
      text += "    \(command.name)) _arguments \\\n"
      for option in command.allOptions {
        let value = option.value.map { ":\($0):\(zsh(option.kind))" } ?? ""
        text += "      '--\(option.name)[\(zsh(option.help))]\(value)' \\\n"
      }
      for operand in command.operands {
        text += "      '\(operand.isRequired ? "" : ":"):\(operand.name):\(zsh(operand.kind))' \\\n"
      }
      text += "      ;;\n"
    }
    return text
      + "  esac\n}\nif [[ $funcstack[1] == _\(name) ]]; then _\(name) \"$@\"; else compdef _\(name) \(name); fi\n"
  }

  private func zsh(_ kind: ValueKind) -> String {
    switch kind {
    case .text: " "
    case .file: "_files"
    case .directory: "_files -/"
    case .words(let words): "(\(words.joined(separator: " ")))"
    case .list(let words): "_values -s , value \(words.joined(separator: " "))"
    }
  }

  /// Inside of single quotes and brackets, where a colon separates too.
  private func zsh(_ text: String) -> String {
    text.map { character -> String in
      switch character {
      case "'": "'\\''"
      case "[", "]", ":": "\\\(character)"
      default: String(character)
      }
    }.joined()
  }

  // MARK: fish

  private var fish: String {
    var text = "# Completions of \(name) for fish: \(name) completions fish | source\ncomplete -c \(name) -f\n"
    for command in commands {
      text += "complete -c \(name) -n __fish_use_subcommand -a \(command.name) -d \(fish(command.summary))\n"
      let seen = "complete -c \(name) -n '__fish_seen_subcommand_from \(command.name)'"
      for operand in command.operands { text += seen + fish(operand.kind) + "\n" }
      for option in command.allOptions {
        let short = option.short.map { " -s \($0)" } ?? ""
        let value = option.value == nil ? "" : " -x" + fish(option.kind)
        text += seen + " -l \(option.name)\(short)\(value) -d \(fish(option.help))\n"
      }
    }
    return text
  }

  private func fish(_ kind: ValueKind) -> String {
    switch kind {
    case .text: ""
    case .file: " -F"
    case .directory: " -a '(__fish_complete_directories)'"
    case .words(let words), .list(let words): " -a \(fish(words.joined(separator: " ")))"
    }
  }

  private func fish(_ text: String) -> String {
    "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
  }
}
