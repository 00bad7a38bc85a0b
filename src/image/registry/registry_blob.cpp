// Downloads a blob, over as many connections as needed.
#include "base/strings.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

// A server that keeps answering without sending another byte has no more data.
constexpr int most_empty_answers = 5;

// "503 ...: trying again in 7 s"
std::string waiting_text(const HttpAnswer& answer, std::chrono::milliseconds pause) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(pause).count();
  return (answer ? refusal_of(*answer).text : answer.error().error.message()) + ": trying again in " +
         std::to_string(seconds) + " s";
}

}  // namespace

class BlobTransfer {
 public:
  BlobTransfer(Registry& registry, const Registry::BlobPart& part, const Registry::Sink& sink,
               const Registry::OnRetry& on_retry)
      : registry_(registry), part_(part), sink_(sink), on_retry_(on_retry) {}

  Result<> run();

 private:
  // The result of an attempt.
  enum class Outcome : std::uint8_t { done, ask_otherwise, failed };
  Outcome try_once(HttpAnswer& answer);
  Result<> look_at_headers(const HttpResponse& response);
  bool fits(std::size_t more) const { return part_.offset <= part_.size && more <= part_.size - part_.offset; }
  Error too_much() const;
  Result<> take(std::span<const std::byte> bytes);
  Error explain(HttpAnswer answer) const;

  Registry& registry_;
  Registry::BlobPart part_;  // its offset advances
  const Registry::Sink& sink_;
  const Registry::OnRetry& on_retry_;

  bool ranges_ = true;  // the server supports range requests
  HttpRequest::Decoding decoding_ = HttpRequest::Decoding::kept_bodies;
  std::uint64_t skip_ = 0;  // number of leading bytes to skip, because we have them
  bool received_ = false;
  bool ask_otherwise_ = false;
  std::optional<Error> sink_error_;
};

Result<> BlobTransfer::run() {
  int empty_answers = 0;
  for (Retry retry = registry_.retry_of_layers();;) {
    HttpAnswer answer = HttpResponse{};
    received_ = false;
    const Outcome outcome = try_once(answer);
    if (sink_error_) return fail(std::move(*sink_error_));
    if (outcome == Outcome::done) return {};
    if (outcome == Outcome::ask_otherwise) continue;
    if (received_) retry.progressed();
    empty_answers = !received_ && !answer && answer.error().partial ? empty_answers + 1 : 0;
    if (empty_answers >= most_empty_answers) {
      return fail(
          Error(Code::invalid, "download")
              .on(part_.digest.text())
              .why("the registry closes the connection after " + std::to_string(part_.offset) + " bytes each time"));
    }
    const auto pause = retry.pause(answer);
    if (!pause) return fail(explain(std::move(answer)));
    if (on_retry_) on_retry_(waiting_text(answer, *pause));
    TRY(sleep_for(*pause, registry_.cancel_));
  }
}

BlobTransfer::Outcome BlobTransfer::try_once(HttpAnswer& answer) {
  HttpRequest request;
  auto url = registry_.url("/blobs/" + part_.digest.text());
  if (!url) {
    answer = std::unexpected(HttpFailure(std::move(url).error()));
    return Outcome::failed;
  }
  request.url = std::move(*url);
  request.decoding = decoding_;
  request.redirects = HttpRequest::Redirects::downgrade;  // its digest is checked
  if (part_.offset > 0 && ranges_) request.headers.push_back("Range: bytes=" + std::to_string(part_.offset) + "-");
  ask_otherwise_ = false;
  skip_ = 0;
  request.on_headers = [this](const HttpResponse& response) { return look_at_headers(response); };
  request.sink = [this](std::span<const std::byte> bytes) { return take(bytes); };
  answer = registry_.send(std::move(request));
  if (ask_otherwise_) return Outcome::ask_otherwise;
  if (answer && (answer->status == 200 || answer->status == 206)) return Outcome::done;
  // The requested offset is beyond the end. docker-registry announces a longer body for this answer than it sends,
  // which makes it a failed transfer.
  const int status = answer ? answer->status : answer.error().error.http_status();
  if (status != 416 || part_.offset == 0) return Outcome::failed;
  if (part_.offset >= part_.size) return Outcome::done;
  if (!ranges_) return Outcome::failed;
  ranges_ = false;
  return Outcome::ask_otherwise;
}

Result<> BlobTransfer::look_at_headers(const HttpResponse& response) {
  if (response.status != 206) skip_ = part_.offset;  // the server sends everything again
  const std::string encoding = to_lower(response.header("content-encoding"));
  if (encoding.empty() || encoding == "identity" || decoding_ == HttpRequest::Decoding::all) return {};
  // Some servers call the blob itself encoded, because it is a gzip file: then it has the blob's length. Others
  // compress it again.
  if (response.status == 200 && parse_unsigned(response.header("content-length")) == part_.size) return {};
  decoding_ = HttpRequest::Decoding::all;
  ranges_ = false;  // ranges would count encoded bytes
  ask_otherwise_ = true;
  return fail(Code::internal, "stop");
}

Error BlobTransfer::too_much() const {
  return Error(Code::invalid, "download")
      .on(part_.digest.text())
      .why("the registry sends more than the " + std::to_string(part_.size) + " bytes that the manifest declares");
}

Result<> BlobTransfer::take(std::span<const std::byte> bytes) {
  const std::size_t drop = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
  skip_ -= drop;
  bytes = bytes.subspan(drop);
  if (bytes.empty()) return {};
  received_ = true;
  Result<> taken = fits(bytes.size()) ? sink_(bytes) : Result<>(fail(too_much()));
  part_.offset += bytes.size();
  if (taken) return {};
  sink_error_ = std::move(taken).error();
  return fail(Code::internal, "stop");
}

Error BlobTransfer::explain(HttpAnswer answer) const {
  if (!answer) return std::move(answer.error().error).wrap("download", part_.digest.text());
  Error error = registry_error(*answer, "download", part_.digest.text());
  const auto from = Url::parse(answer->url);
  if (!from) return error;
  // Often not the registry itself, but the server to which it redirects clients for the content.
  error.data().why = from->place() + " answers: " + error.data().why;
  if ((answer->status == 401 || answer->status == 403) && from->place() != registry_.location().host)
    error.data().hint = refused_elsewhere(registry_.location().host, "downloads", from->place());
  return error;
}

Result<> Registry::blob(const BlobPart& part, const Sink& sink, const OnRetry& on_retry) {
  return BlobTransfer(*this, part, sink, on_retry).run();
}

}  // namespace consort::image
