# Read by the launchers in bin/: runs one of the programs in dist/.
root=$(dirname -- "$here")

launch() {
  program=$root/dist/$1.js
  shift
  if ! [ -f "$program" ]; then
    echo "$program is missing: run \`npm run setup\` in $root" >&2
    exit 1
  fi
  if ! command -v node >/dev/null; then
    echo 'node is missing: Node.js 20.19 or newer must be in PATH' >&2
    exit 1
  fi
  exec node "$program" "$@"
}
