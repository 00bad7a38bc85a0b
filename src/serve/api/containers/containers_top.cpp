// GET /containers/{id}/top: what ps shows of a container's processes. Without words of the client's it is our own
// table, for which no program is needed.
#include <algorithm>
#include <optional>
#include <set>

#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using engine::Strings;

Strings words_of(std::string_view line) {
  Strings words;
  for (std::string& word : split(line, ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// "-o ppid=PID" would pass off another column as the one that says whose process it is.
Result<> check_words(const Strings& words) {
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || !word.substr(equals + 1).starts_with("PID")) continue;
    if (!word.substr(0, equals).ends_with("pid") || word.substr(0, equals).ends_with("ppid"))
      return fail(http_error(500, "specifying \"" + word + "\" is not allowed"));
  }
  return {};
}

// Some words of ps (those that sort) do not go together with a choice of processes: then all are asked for, and the
// others left out by their numbers. Not for a socket of one project, as a line may be made to look like another's: what
// stands before the number is what somebody has called his process.
enum class Others : std::uint8_t { may_be_asked_for, stay_out };

Result<std::string> run_ps(Strings words, const std::set<std::string>& pids, Others others) {
  words.insert(words.begin(), "ps");
  Strings narrowed = words;
  narrowed.push_back("-q");
  narrowed.push_back(join(Strings(pids.begin(), pids.end()), ","));
  const auto run = [](Strings argv) -> Result<Captured> {
    auto ran = run_and_capture({.argv = std::move(argv)});
    if (ran) return ran;
    return fail(Error(Code::io, "run ps").why(ran.error().message()).hint("install procps"));
  };
  Captured captured = TRY(run(std::move(narrowed)));
  if (!captured.status.success() && others == Others::may_be_asked_for) captured = TRY(run(std::move(words)));
  if (captured.status.success()) return std::move(captured.out);
  const std::string why = captured.err.substr(0, captured.err.find('\n'));
  return fail(http_error(500, why.empty() ? "error running ps" : why));
}

// The columns are as many as the titles; the last is the rest of the line.
Strings columns_of(const std::string& line, std::size_t count) {
  Strings words = words_of(line);
  if (words.size() <= count) return words;
  const Strings last(words.begin() + static_cast<std::ptrdiff_t>(count) - 1, words.end());
  words.resize(count - 1);
  words.push_back(join(last, " "));
  return words;
}

std::optional<std::size_t> pid_column(const Strings& titles) {
  const auto title = std::ranges::find(titles, "PID");
  if (title == titles.end()) return std::nullopt;
  return static_cast<std::size_t>(title - titles.begin());
}

Result<engine::ProcessTable> rows_of(const std::string& text, const std::set<std::string>& pids) {
  Strings lines = split(text, '\n');
  engine::ProcessTable table{.titles = words_of(lines.front()), .rows = {}};
  const auto column = pid_column(table.titles);
  if (!column) return fail(http_error(500, "Couldn't find PID field in ps output"));
  bool ours = false;
  for (const std::string& line : std::span(lines).subspan(1)) {
    Strings row = columns_of(line, table.titles.size());
    if (row.size() <= *column) continue;
    if (row[*column] != "-") ours = pids.contains(row[*column]);  // "-": a thread of the process above
    if (ours) table.rows.push_back(std::move(row));
  }
  return table;
}

Result<engine::ProcessTable> table_of(const engine::ProcessTable& own, const std::string& asked, Others others) {
  const Strings words = words_of(asked);
  if (words.empty() || asked == "-ef") return own;
  TRY(check_words(words));
  const auto column = pid_column(own.titles);
  if (!column) return fail(Code::internal, "the table of processes has no PID");
  std::set<std::string> pids;
  for (const Strings& row : own.rows) pids.insert(row[*column]);
  return rows_of(TRY(run_ps(words, pids, others)), pids);
}

Result<> container_top(Call& call) {
  const engine::ContainerDetails container = TRY(find_container(call));
  if (!container.state.has_process()) return fail(http_error(409, "container " + container.id + " is not running"));
  if (container.state.status == engine::Status::restarting)
    return fail(http_error(409, "Container " + container.id + " is restarting, wait until the container is running"));
  engine::Engine& engine = *TRY(call.engine());
  const Others others = call.service().options().project.empty() ? Others::may_be_asked_for : Others::stay_out;
  const engine::ProcessTable table = TRY(table_of(TRY(engine.top(container.id)), call.query("ps_args"), others));
  engine.note_event(container, "top");
  Json rows = Json::array();
  for (const Strings& row : table.rows) rows.push_back(row);
  return call.json(200, {{"Titles", table.titles}, {"Processes", std::move(rows)}});
}

constexpr Route table[] = {{"GET", "/containers/{id}/top", container_top, Access::look, Reach::project}};

}  // namespace

std::span<const Route> container_top_routes() {
  return table;
}

}  // namespace consort::serve
