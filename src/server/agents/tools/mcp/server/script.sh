# A server of tools for tests, small enough to be trusted: script.sh FOLDER. What it is told goes to FOLDER/log,
# the tools that it has stand in FOLDER/tools.
cd "$1" || exit 1
echo "started with ${SECRET-no secret} and ${MAGPIE_LLM_API_KEY-no key of ours}" >> log
# Of its own making: it must not outlive its server.
sleep 1000 &
echo "$!" > child
while IFS= read -r line; do
  printf '%s\n' "$line" >> log
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
  text() { answer "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
  case $line in
    *'"method":"initialize"'*)
      answer '{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}}' ;;
    *'"method":"tools/list"'*) answer "{\"tools\":$(cat tools)}" ;;
    *'"method":"ping"'*) answer '{}' ;;
    *'"name":"say"'*) text "said" ;;
    *'"name":"fail"'*) answer '{"isError":true,"content":[{"type":"text","text":"it is broken"}]}' ;;
    *'"name":"refuse"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"no such thing"}}\n' "$id" ;;
    *'"name":"picture"'*)
      answer '{"content":[{"type":"text","text":"look:"},{"type":"image","data":"AAAA","mimeType":"image/png"}]}' ;;
    *'"name":"numbers"'*) answer '{"content":[],"structuredContent":{"n":7}}' ;;
    *'"name":"garbage"'*) echo 'this is no JSON'; text "after garbage" ;;
    *'"name":"die"'*) echo "dying" >&2; exit 1 ;;
    *'"name":"learn"'*)
      printf '[{"name":"new","inputSchema":{"type":"object"}}]' > tools
      text "learnt"
      printf '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n' ;;
    *'"name":"deaf"'*) while :; do sleep 1; done ;;
    # `hang` and whatever is cancelled get no answer.
  esac
done
