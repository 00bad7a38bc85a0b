// /containers/{id}/attach and /attach/ws: a container's output from now on, and its input.
#include "engine/logs.hpp"
#include "serve/api/containers/container_watch.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/hijack.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/http/websocket.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

struct Wanted {
  bool stream = false, input = false, out = false, err = false, history = false;
  std::optional<DetachKeys> keys;
};

Result<Wanted> wanted_of(Call& call, const ContainerDetails& container) {
  Wanted wanted;
  wanted.stream = call.flag("stream");
  wanted.input = wanted.stream && call.flag("stdin") && container.spec.open_stdin;
  wanted.out = call.flag("stdout");
  wanted.err = call.flag("stderr");
  wanted.history = call.flag("logs");
  if (container.spec.tty || call.has("detachKeys")) {
    DetachKeys keys = TRY(DetachKeys::parse(call.query("detachKeys")));
    if (container.spec.tty) wanted.keys = std::move(keys);
  }
  return wanted;
}

// From now on, or from the first byte that it will ever write.
Result<engine::LogReader> output_of(engine::Engine& engine, const ContainerDetails& container, bool history) {
  if (container.state.status == engine::Status::created) return engine.hold_output(container.id);
  auto reader = engine.logs(container.id);
  if (!reader && reader.error().code() == Code::unsupported) return engine.hold_output(container.id);
  if (!reader) return reader;
  if (!history) TRY(reader->skip_to_end());
  return reader;
}

class AttachSession {
 public:
  AttachSession(Call& call, const ContainerDetails& container, Wanted wanted, engine::LogReader output,
                ContainerWatch watch)
      : call_(call),
        container_(container),
        wanted_(std::move(wanted)),
        output_(std::move(output)),
        watch_(std::move(watch)),
        stdin_once_(get_bool(said(), "StdinOnce")) {}

  Result<> run(http::Connection::Raw raw, Hijacked::Framing framing) {
    client_.emplace(std::move(raw), framing);
    const int log = TRY(output_.watch_fd());
    // Checked after the watch has begun. A container that has ended takes no input, unless it is started again.
    if (container_.state.has_process()) connect_input();
    Result<> outcome = follow(log);
    input_.reset();
    client_->finish();
    return outcome;
  }

 private:
  Json said() const {
    const Json note = client_note(call_, container_);
    const Json* config = find_key(note, "Config");
    return config ? *config : Json::object();
  }

  void connect_input() {
    if (!wanted_.input || input_ || !client_) return;
    const auto engine = call_.engine();
    if (!engine) return;
    auto attachment = (*engine)->attach(container_.id);
    if (!attachment) return;  // it has ended already
    Fd target = attachment->terminal ? std::move(attachment->terminal) : std::move(attachment->input);
    InputPump::Ends ends{.target = std::move(target)};
    // Another client may want to send more later, unless the container's input is for the first one only.
    if (!stdin_once_ && !container_.spec.tty) ends.at_end = [this](Fd kept) { kept_ = std::move(kept); };
    input_.emplace(*client_, std::move(ends), std::move(wanted_.keys));
  }

  Result<bool> write_some() {
    return output_.read_bytes([this](const engine::LogRecord& record) {
      const bool is_error = record.stream == engine::LogStream::err && !container_.spec.tty;
      if (lost_ || (is_error ? !wanted_.err : !wanted_.out)) return;
      if (!client_->write(is_error ? StreamKind::err : StreamKind::out, record.bytes)) lost_ = true;
    });
  }

  // Everything available now.
  Result<> drain() {
    while (!lost_ && TRY(write_some())) {
    }
    return {};
  }

  Result<> follow(int log) {
    using What = ContainerWatch::Change::What;
    bool over = !wanted_.stream;
    while (true) {
      TRY(drain());
      if (over || lost_ || client_->gone()) return {};
      if (!wait_readable(client_->fd(), {log, watch_.fd(), input_ ? input_->left_fd() : -1})) return {};
      if (input_ && input_->left()) return {};
      output_.acknowledge();
      while (const auto change = TRY(watch_.next())) {
        if (change->what == What::started) connect_input();
        if (change->what != What::started) over = true;
      }
    }
  }

  Call& call_;
  const ContainerDetails& container_;
  Wanted wanted_;
  engine::LogReader output_;
  ContainerWatch watch_;
  bool stdin_once_;
  std::optional<Hijacked> client_;
  Fd kept_;
  std::optional<InputPump> input_;
  bool lost_ = false;
};

// Everything except how the bytes travel.
Result<> attach(Call& call, const std::function<Result<>(AttachSession&, const ContainerDetails&)>& run) {
  engine::Engine& engine = *TRY(call.engine());
  const ContainerDetails found = TRY(find_container(call));
  Wanted wanted = TRY(wanted_of(call, found));
  ContainerWatch watch = TRY(ContainerWatch::begin(engine, found));
  const ContainerDetails container = TRY(engine.inspect(found.id));
  if (container.state.status == engine::Status::paused)
    return fail(http_error(409, "container " + container.id + " is paused, unpause the container before attach"));
  engine::LogReader output = TRY(output_of(engine, container, wanted.history));
  engine.note_event(container, "attach");
  AttachSession session(call, container, std::move(wanted), std::move(output), std::move(watch));
  return run(session, container);
}

Result<> attach_container(Call& call) {
  return attach(call, [&](AttachSession& session, const ContainerDetails& container) -> Result<> {
    (void)TRY(call.body(Call::Body::optional));
    const bool framed = !container.spec.tty && call.version() >= 42 && call.wants_upgrade();
    auto raw =
        TRY(call.upgrade({.type = framed ? content::multiplexed_stream : content::raw_stream, .protocol = "tcp"}));
    return session.run(std::move(raw), container.spec.tty ? Hijacked::Framing::raw : Hijacked::Framing::framed);
  });
}

// Its output is sent unframed, both streams in one.
Result<> attach_by_websocket(Call& call) {
  const std::string_view key = call.request().header("sec-websocket-key");
  if (!call.wants_upgrade() || !call.request().header_has("upgrade", "websocket") || key.empty())
    return fail(http_error(400, "attach/ws: this is no handshake of a websocket"));
  return attach(call, [&](AttachSession& session, const ContainerDetails&) -> Result<> {
    call.add_header("Sec-WebSocket-Accept", http::websocket_accept(key));
    const auto relay = TRY(http::WebSocketRelay::begin(TRY(call.upgrade({.type = {}, .protocol = "websocket"}))));
    return session.run(relay->take_plain(), Hijacked::Framing::raw);
  });
}

constexpr Route table[] = {
    {"POST", "/containers/{id}/attach", attach_container, Access::change, Reach::project},
    {"GET", "/containers/{id}/attach/ws", attach_by_websocket, Access::change, Reach::project},
};

}  // namespace

std::span<const Route> container_stream_routes() {
  return table;
}

}  // namespace consort::serve
