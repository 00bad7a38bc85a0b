#include "kube/client.hpp"

#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/api/failure.hpp"
#include "kube/kinds.hpp"

namespace consort::kube {

namespace {

using Method = image::HttpRequest::Method;
constexpr std::size_t longest_body = 256U << 20;  // a list of everything in a namespace
constexpr std::size_t longest_line = 8U << 20;    // longer than the largest object

constexpr int created = 201, bad_statuses = 300, conflict = 409;
constexpr const char* manager = "consort";

// The API treats changes that `stop` and `scale` made outside the file as another manager's, although both come from
// this program.
bool is_conflict_with_ourselves(std::string_view body) {
  const auto status = parse_json(body, "answer");
  const Json* details = status ? find_key(*status, "details") : nullptr;
  const Json* causes = details ? find_key(*details, "causes") : nullptr;
  if (!causes || !causes->is_array() || causes->empty()) return false;
  const std::string ours = "conflict with \"" + std::string(manager) + "\"";
  for (const Json& cause : *causes)
    if (!get_string(cause, "message").starts_with(ours)) return false;
  return true;
}

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::denied;
    case 404:
    case 410:
      return Code::not_found;
    case 409:
      return Code::conflict;
    case 429:
    case 503:
      return Code::busy;
    default:
      return status >= 500 ? Code::io : Code::invalid;
  }
}

// Splits a body that arrives in pieces into lines.
class Lines {
 public:
  explicit Lines(const Client::OnLine& on_line) : on_line_(on_line) {}
  Result<> feed(std::string_view bytes) {
    rest_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      if (on_line_(std::string_view(rest_).substr(begin, end - begin)) == Next::enough) return enough();
    rest_.erase(0, begin);
    if (rest_.size() > longest_line)
      return fail(Error(Code::invalid, "read the server's answer").why("a line is too long"));
    return {};
  }
  void end() {
    if (!rest_.empty() && !done_) on_line_(std::exchange(rest_, {}));
  }
  bool done() const { return done_; }

 private:
  Result<> enough() {
    done_ = true;
    return fail(Code::interrupted, "enough");
  }
  const Client::OnLine& on_line_;
  std::string rest_;
  bool done_ = false;
};

}  // namespace

Error failure_of(int http_status, std::string_view body) {
  Error error(code_of(http_status), "ask the Kubernetes API");
  error.data().http_status = http_status;
  const auto status = parse_json(body, "answer");
  error.data().why = status ? get_string(*status, "message") : std::string(trim(body.substr(0, 500)));
  if (error.data().why.empty()) error.data().why = "HTTP status " + std::to_string(http_status);
  if (http_status == 401) error.data().hint = "your credentials were rejected: check the user of the context";
  return error;
}

namespace {

// What helps with a registry does not help here.
Error unreached(image::HttpFailure failure, const Cluster& cluster) {
  using enum image::HttpFailure::Kind;
  Error error = std::move(failure.error);
  if (failure.kind == refused || failure.kind == unresolved)
    error = std::move(error).hint("is the cluster running, and is its address in the kubeconfig right?");
  if (failure.kind == certificate)
    error = std::move(error).hint("does `certificate-authority` in the kubeconfig belong to this cluster?");
  return std::move(error).wrap("reach Kubernetes", cluster.context.empty() ? "" : "context " + cluster.context);
}

}  // namespace

struct Client::State {
  Cluster cluster;
  std::string authorization;
  std::stop_token cancel;
  image::HttpClient http;

  image::HttpRequest request(Method method, const std::string& path) const {
    image::HttpRequest made;
    made.method = method;
    made.url = cluster.server + path;
    made.headers.emplace_back("Accept: application/json");
    if (!authorization.empty()) made.authorization = "Authorization: " + authorization;
    made.redirects = image::HttpRequest::Redirects::none;
    made.tls = cluster.tls;
    made.proxy = cluster.proxy;
    made.cancel = cancel;
    made.max_body = longest_body;
    made.stall = std::chrono::seconds(0);
    made.answer_within = std::chrono::seconds(60);
    return made;
  }

  // Returns the answer, whatever its status.
  Result<image::HttpResponse> ask(const image::HttpRequest& made) {
    auto answer = http.perform(made);
    if (!answer) return fail(unreached(std::move(answer.error()), cluster));
    return std::move(*answer);
  }
  Result<image::HttpResponse> perform(const image::HttpRequest& made) {
    image::HttpResponse answer = TRY(ask(made));
    if (answer.status >= bad_statuses) return fail(failure_of(answer.status, answer.body));
    return answer;
  }
  Result<> remove(const std::string& path, const std::stop_token& stop);
  Result<> stream(const std::string& path, const std::function<Result<>(std::string_view)>& sink,
                  const std::stop_token& stop);
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(Cluster cluster, std::stop_token cancel) {
  auto state = std::make_unique<State>();
  state->authorization = TRY(authorize(cluster, cancel));
  state->cluster = std::move(cluster);
  state->cancel = std::move(cancel);
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

const Cluster& Client::cluster() const {
  return state_->cluster;
}

Result<std::string> Client::get(const std::string& path) {
  return TRY(state_->perform(state_->request(Method::get, path))).body;
}

Result<std::string> Client::create(const std::string& path, const std::string& body) {
  image::HttpRequest request = state_->request(Method::post, with_query(path, {{"fieldManager", manager}}));
  request.headers.emplace_back("Content-Type: application/json");
  request.body = body;
  return TRY(state_->perform(request)).body;
}

Result<Client::Applied> Client::apply(const std::string& path, const std::string& body, Force force, Trial trial) {
  Query query{
      {"fieldManager", manager}, {"force", force == Force::yes ? "true" : "false"}, {"fieldValidation", "Strict"}};
  if (trial == Trial::yes) query.emplace_back("dryRun", "All");
  image::HttpRequest request = state_->request(Method::patch, with_query(path, query));
  request.headers.emplace_back("Content-Type: application/apply-patch+yaml");
  request.body = body;
  image::HttpResponse answer = TRY(state_->ask(request));
  if (answer.status == conflict && force == Force::no && is_conflict_with_ourselves(answer.body))
    return apply(path, body, Force::yes, trial);
  if (answer.status >= bad_statuses) return fail(failure_of(answer.status, answer.body));
  return Applied{std::move(answer.body), answer.status == created};
}

Result<std::string> Client::merge(const std::string& path, const std::string& body) {
  image::HttpRequest request = state_->request(Method::patch, with_query(path, {{"fieldManager", manager}}));
  request.headers.emplace_back("Content-Type: application/merge-patch+json");
  request.body = body;
  return TRY(state_->perform(request)).body;
}

Result<> Client::State::remove(const std::string& path, const std::stop_token& stop) {
  // Everything that the object owns is deleted with it, including pods.
  image::HttpRequest made = request(Method::del, with_query(path, {{"propagationPolicy", "Background"}}));
  made.cancel = stop;
  auto gone = perform(made);
  if (gone || gone.error().code() == Code::not_found) return {};
  return fail(std::move(gone).error().wrap("remove", path));
}

Result<> Client::remove(const std::string& path) {
  return state_->remove(path, state_->cancel);
}

Result<> Client::remove_in_any_case(const std::string& path) {
  return state_->remove(path, std::stop_token());
}

// Ends when `stop` is requested, or when `sink` fails.
Result<> Client::State::stream(const std::string& path, const std::function<Result<>(std::string_view)>& sink,
                               const std::stop_token& stop) {
  image::HttpRequest request = this->request(Method::get, path);
  request.answer_within = std::chrono::seconds(0);
  // A single token that is triggered by either stop request.
  std::stop_source either;
  const std::stop_callback by_all(cancel, [&] { either.request_stop(); });
  const std::stop_callback by_caller(stop, [&] { either.request_stop(); });
  request.cancel = either.get_token();
  request.sink = [&](std::span<const std::byte> bytes) {
    return sink(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  };
  auto answer = perform(request);
  if (stop.stop_requested()) return {};
  if (!answer) return fail(std::move(answer).error());
  return {};
}

Result<> Client::lines(const std::string& path, const OnLine& on_line, const std::stop_token& stop) {
  Lines lines(on_line);
  auto ended = state_->stream(
      path, [&](std::string_view bytes) { return lines.feed(bytes); }, stop);
  if (lines.done() || stop.stop_requested()) return {};
  if (ended) lines.end();
  return ended;
}

Result<> Client::bytes(const std::string& path, const std::function<Next(std::string_view bytes)>& on_bytes,
                       const std::stop_token& stop) {
  bool enough = false;
  auto ended = state_->stream(
      path,
      [&](std::string_view bytes) -> Result<> {
        enough = on_bytes(bytes) == Next::enough;
        return enough ? Result<>(fail(Code::interrupted, "enough")) : Result<>();
      },
      stop);
  if (enough) return {};
  return ended;
}

Result<Channels> Client::open(const std::string& path) {
  const image::HttpRequest request = state_->request(Method::get, path);
  auto connection = image::Connection::open(request);
  if (!connection) return fail(unreached(std::move(connection.error()), state_->cluster));
  const std::string& server = state_->cluster.server;
  std::string host = server.substr(server.find("://") + 3);
  std::string prefix;
  if (const std::size_t slash = host.find('/'); slash != std::string::npos) {
    prefix = host.substr(slash);
    host.resize(slash);
  }
  std::string head =
      "GET " + prefix + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: consort/" CONSORT_VERSION "\r\n";
  if (!request.authorization.empty()) head += request.authorization + "\r\n";
  return Channels::greet(std::move(*connection), head);
}

}  // namespace consort::kube
