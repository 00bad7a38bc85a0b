#include "project/exec/image_pull.hpp"

#include "base/time.hpp"
#include "engine/images.hpp"

namespace consort::project {

namespace {

std::string_view phase_text(image::Phase phase) {
  switch (phase) {
    case image::Phase::resolving:
      return "";
    case image::Phase::waiting:
      return "Waiting";
    case image::Phase::exists:
      return "Already exists";
    case image::Phase::downloading:
      return "Downloading";
    case image::Phase::retrying:
      return "Retrying";
    case image::Phase::extracting:
      return "Extracting";
    case image::Phase::done:
      return "Pull complete";
    case image::Phase::preparing:
      return "Preparing";
    case image::Phase::uploading:
      return "Pushing";
    case image::Phase::mounted:
      return "Mounted";
    case image::Phase::finished:
      return "";
  }
  return "";
}

image::Progress forward(Session& session, const std::string& parent, Detail detail) {
  if (detail == Detail::quiet) return {};
  return [&session, parent](const image::ProgressEvent& event) {
    if (!event.id.empty()) session.progress.event(layer_event(event, parent));
  };
}

// A push reports the same events, in its own words.
image::Progress forward_push(Session& session, const std::string& parent, Detail detail) {
  if (detail == Detail::quiet) return {};
  return [&session, parent](const image::ProgressEvent& event) {
    if (event.id.empty()) return;
    ProgressEvent shown = layer_event(event, parent);
    if (event.phase == image::Phase::exists) shown.text = "Layer already exists";
    if (event.phase == image::Phase::done) shown.text = "Pushed";
    session.progress.event(shown);
  };
}

}  // namespace

image::RegistryOptions registry_options(Session& session) {
  image::RegistryOptions options;
  options.warn = [&session](const std::string& warning) { session.progress.warn(warning); };
  return options;
}

ProgressEvent layer_event(const image::ProgressEvent& event, const std::string& parent) {
  ProgressEvent result{.id = event.id, .parent = parent, .text = std::string(phase_text(event.phase))};
  result.current = event.current;
  result.total = event.total;
  if (event.total > 0)
    result.status = human_bytes_decimal(event.current) + "/" + human_bytes_decimal(event.total);
  else if (event.phase == image::Phase::retrying)
    result.status = event.text;
  switch (event.phase) {
    case image::Phase::exists:
    case image::Phase::done:
    case image::Phase::mounted:
    case image::Phase::finished:
      result.outlook = Outlook::done;
      break;
    case image::Phase::retrying:
      result.outlook = Outlook::warning;
      break;
    default:
      break;
  }
  return result;
}

Result<> pull_image(Session& session, const std::string& service, const std::string& reference,
                    const std::string& platform, Detail detail, const Cancellation& cancel) {
  image::PullOptions options;
  if (!platform.empty()) options.platform = TRY(image::Platform::parse(platform));
  options.cancel = cancel.token();
  options.registry = registry_options(session);
  const image::Reference parsed = TRY(image::Reference::parse(reference));
  TRY(session.engine.images().pull(parsed, options, forward(session, service, detail)));
  return {};
}

Result<> push_image(Session& session, const std::string& service, const std::string& reference,
                    const std::string& platform, Detail detail, const Cancellation& cancel) {
  image::PushOptions options;
  if (!platform.empty()) options.platform = TRY(image::Platform::parse(platform));
  options.cancel = cancel.token();
  options.registry = registry_options(session);
  const image::Reference parsed = TRY(image::Reference::parse(reference));
  TRY(session.engine.images().push(parsed, options, forward_push(session, service, detail)));
  return {};
}

}  // namespace consort::project
