#include "buildkit/solve/failure.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "common.pb.h"

namespace consort::buildkit {
namespace {

// As JSON in an Any: BuildKit has used that since before its messages were protobuf.
constexpr const char* source_type = "github.com/moby/buildkit/errdefs.Source+json";
constexpr const char* exit_type = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";

Json range_of(std::uint32_t line, std::uint32_t end_line) {
  return {{"start", {{"line", line}}}, {"end", {{"line", end_line}}}};
}

void add(wire::Status& out, const char* type, const Json& value) {
  wire::Detail& detail = *out.add_details();
  detail.set_type_url(type);
  detail.set_value(dump_json(value));
}

}  // namespace

std::string failure_details(const RpcStatus& status, const build::StepFailure& failure) {
  wire::Status out;
  out.set_code(static_cast<std::int32_t>(status.code));
  out.set_message(status.message);
  if (failure.line > 0 && !failure.text.empty()) {
    Json source;
    source["info"] = {
        {"filename", base_name(failure.file)}, {"data", base64_encode(failure.text)}, {"language", "Dockerfile"}};
    source["ranges"] = Json::array({range_of(failure.line, std::max(failure.line, failure.end_line))});
    add(out, source_type, source);
  }
  if (failure.exit_code != 0) add(out, exit_type, {{"Code", failure.exit_code}});
  return out.SerializeAsString();
}

std::map<std::string, std::string> lint_result(const build::BuildResult& result, const std::string& file) {
  Json warnings = Json::array();
  std::string text;
  for (const build::Warning& warning : result.warnings) {
    warnings.push_back({{"ruleName", warning.rule},
                        {"description", warning.summary},
                        {"url", warning.url},
                        {"detail", warning.message},
                        {"location", {{"ranges", Json::array({range_of(warning.at.line, warning.at.line)})}}}});
    text += "\nWARNING: " + warning.rule + " - " + warning.url + "\n" + warning.message + "\n" +
            build::render_excerpt(file, result.dockerfile_text, warning.at.line, warning.at.line);
  }
  Json all;
  all["warnings"] = std::move(warnings);
  all["sources"] =
      Json::array({{{"filename", file}, {"data", base64_encode(result.dockerfile_text)}, {"language", "Dockerfile"}}});
  return {{"result.json", dump_json(all)},
          {"result.txt", text},
          {"result.statuscode", result.warnings.empty() ? "0" : "1"},
          {"version", "1.0.0"}};
}

}  // namespace consort::buildkit
