# Reads a build-event file (bazel --build_event_json_file) and prints how many test cases passed and how many failed.
#
# The cases of a target are those of its test.xml files. A target that failed counts as one failure at least, one without
# cases as one case, and whatever could not be built as one failure. Cases that were skipped or disabled do not count.

function value_of(event, key) {
  return match(event, "\"" key "\":\"[^\"]*\"") ? substr(event, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : ""
}

function without_quoted_text(xml,    kept, from, to) {
  while ((from = index(xml, "<![CDATA[")) > 0) {
    kept = kept substr(xml, 1, from - 1)
    xml = substr(xml, from)
    to = index(xml, "]]>")
    if (to == 0) return kept
    xml = substr(xml, to + 3)
  }
  return kept xml
}

# Adds a file's cases to cases and failures.
function read_cases(file,    xml, line, pieces, n, i, piece) {
  while ((getline line < file) > 0) xml = xml line "\n"
  close(file)
  n = split(without_quoted_text(xml), pieces, /<testcase[ >]/)
  for (i = 2; i <= n; ++i) {
    piece = pieces[i]
    sub(/<\/testcase>.*/, "", piece)
    if (piece ~ /status="notrun"/ || piece ~ /result="skipped"/ || piece ~ /<skipped/) continue
    ++cases
    if (piece ~ /<(failure|error)[ \/>]/) ++failures
  }
}

/^{"id":{"testSummary":/ {
  label = value_of($0, "label")
  seen[label] = 1
  succeeded = value_of($0, "overallStatus") ~ /^(PASSED|FLAKY)$/
  cases = failures = 0
  rest = $0
  while (match(rest, /"uri":"file:\/\/[^"]*test\.log"/)) {
    log_file = substr(rest, RSTART + 14, RLENGTH - 15)
    rest = substr(rest, RSTART + RLENGTH)
    # Attempts that were followed by another do not count.
    if (log_file ~ /\/test_attempts\//) continue
    sub(/\.log$/, ".xml", log_file)
    read_cases(log_file)
  }
  if (cases == 0) cases = 1
  if (!succeeded && failures == 0) {
    failures = 1
    if (cases > 1) ++cases
  }
  passed += cases - failures
  failed += failures
}

# A target that was not built.
/^{"id":{"targetCompleted":/ && !/"success":true/ { unbuilt[value_of($0, "label")] = 1 }

END {
  for (label in unbuilt) if (!(label in seen)) ++failed
  print passed + 0, failed + 0
}
