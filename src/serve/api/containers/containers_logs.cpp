// GET /containers/{id}/logs.
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/logs.hpp"
#include "serve/api/containers/container_watch.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/hijack.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

struct Wanted {
  bool out = false, err = false, follow = false, timestamps = false, details = false;
  engine::LogReadOptions range;
};

Result<Wanted> wanted_of(Call& call) {
  Wanted wanted;
  wanted.out = call.flag("stdout");
  wanted.err = call.flag("stderr");
  if (!wanted.out && !wanted.err) return fail(http_error(400, "Bad parameters: you must choose at least one stream"));
  wanted.follow = call.flag("follow");
  wanted.timestamps = call.flag("timestamps");
  wanted.details = call.flag("details");
  const std::string tail = call.query("tail");
  if (const auto lines = parse_unsigned(tail)) wanted.range.tail = saturated<std::size_t>(*lines);
  wanted.range.since = TRY(parse_moment("since", call.query("since")));
  wanted.range.until = TRY(parse_moment("until", call.query("until")));
  return wanted;
}

class LogSession {
 public:
  LogSession(const ContainerDetails& container, const Wanted& wanted, BodyStream& body)
      : container_(container), wanted_(wanted), body_(body) {
    if (wanted.details)
      for (const auto& [key, value] : container.spec.log.options)
        details_ += (details_.empty() ? "" : ",") + key + "=" + value;
  }

  // Everything available now.
  Result<> read(engine::LogReader& reader) {
    TRY(reader.read(handler_));
    return send();
  }
  Result<> flush(engine::LogReader& reader) {
    reader.flush(handler_);
    return send();
  }
  bool lost() const { return lost_; }

 private:
  void add(const engine::LogLine& line) {
    const bool is_error = line.stream == engine::LogStream::err && !container_.spec.tty;
    if (lost_ || (is_error ? !wanted_.err : !wanted_.out)) return;
    std::string text;
    if (wanted_.timestamps) text += format_rfc3339(line.time) + " ";
    if (wanted_.details) text += details_ + " ";
    text += line.text;
    if (line.complete) text += '\n';
    if (!container_.spec.tty) waiting_ += frame_head(is_error ? StreamKind::err : StreamKind::out, text.size());
    waiting_ += text;
    constexpr std::size_t block = std::size_t{64} << 10;
    if (waiting_.size() >= block) (void)send();
  }

  Result<> send() {
    if (lost_ || waiting_.empty()) return {};
    Result<> sent = body_.write(waiting_);
    waiting_.clear();
    lost_ = !sent;
    return sent;
  }

  const ContainerDetails& container_;
  const Wanted& wanted_;
  BodyStream& body_;
  std::string details_;
  std::string waiting_;
  bool lost_ = false;
  engine::LogReader::LineHandler handler_ = [this](const engine::LogLine& line) { add(line); };
};

Result<> follow(engine::LogReader& reader, LogSession& session, ContainerWatch& watch, BodyStream& body, bool over) {
  const int log = TRY(reader.watch_fd());
  while (true) {
    TRY(session.read(reader));
    if (over) return {};
    if (!wait_readable(body.fd(), {log, watch.fd()})) return fail(Code::io, "follow log: the client has gone");
    reader.acknowledge();
    while (const auto change = TRY(watch.next())) over = over || change->what != ContainerWatch::Change::What::started;
  }
}

Result<> container_logs(Call& call) {
  const ContainerDetails found = TRY(find_container(call));
  const Wanted wanted = TRY(wanted_of(call));
  engine::Engine& engine = *TRY(call.engine());
  engine::LogReader reader = TRY(engine.logs(found.id, wanted.range));
  ContainerWatch watch = TRY(ContainerWatch::begin(engine, found));
  const ContainerDetails container = TRY(engine.inspect(found.id));
  const bool framed = !container.spec.tty && call.version() >= 42;
  BodyStream body = TRY(call.stream(framed ? content::multiplexed_stream : content::raw_stream));
  LogSession session(container, wanted, body);
  if (wanted.follow)
    TRY(follow(reader, session, watch, body, !container.state.running()));
  else
    TRY(session.read(reader));
  TRY(session.flush(reader));
  return body.finish();
}

constexpr Route table[] = {{"GET", "/containers/{id}/logs", container_logs, Access::look, Reach::project}};

}  // namespace

std::span<const Route> container_log_routes() {
  return table;
}

}  // namespace consort::serve
