// Every command's function, but those of export/export.hpp; each lives in a file of its own or of its family.
#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

Result<int> run_attach(Invocation& invocation);
Result<int> run_boot(Invocation& invocation);
Result<int> run_build(Invocation& invocation);
Result<int> run_commit(Invocation& invocation);
Result<int> run_config(Invocation& invocation);
Result<int> run_cp(Invocation& invocation);
Result<int> run_create(Invocation& invocation);
Result<int> run_doctor(Invocation& invocation);
Result<int> run_down(Invocation& invocation);
Result<int> run_events(Invocation& invocation);
Result<int> run_exec(Invocation& invocation);
Result<int> run_export(Invocation& invocation);
Result<int> run_generate(Invocation& invocation);
Result<int> run_images(Invocation& invocation);
Result<int> run_inspect(Invocation& invocation);
Result<int> run_kill(Invocation& invocation);
Result<int> run_logs(Invocation& invocation);
Result<int> run_ls(Invocation& invocation);
Result<int> run_pause(Invocation& invocation);
Result<int> run_port(Invocation& invocation);
Result<int> run_ps(Invocation& invocation);
Result<int> run_publish(Invocation& invocation);
Result<int> run_pull(Invocation& invocation);
Result<int> run_push(Invocation& invocation);
Result<int> run_restart(Invocation& invocation);
Result<int> run_rm(Invocation& invocation);
Result<int> run_run(Invocation& invocation);
Result<int> run_scale(Invocation& invocation);
Result<int> run_start(Invocation& invocation);
Result<int> run_stats(Invocation& invocation);
Result<int> run_serve(Invocation& invocation);
Result<int> run_stop(Invocation& invocation);
Result<int> run_top(Invocation& invocation);
Result<int> run_unpause(Invocation& invocation);
Result<int> run_up(Invocation& invocation);
Result<int> run_version(Invocation& invocation);
Result<int> run_volumes(Invocation& invocation);
Result<int> run_wait(Invocation& invocation);
Result<int> run_watch(Invocation& invocation);

Result<int> run_bridge_convert(Invocation& invocation);
Result<int> run_transformations_create(Invocation& invocation);
Result<int> run_transformations_list(Invocation& invocation);

Result<int> run_builder_prune(Invocation& invocation);
Result<int> run_container_create(Invocation& invocation);
Result<int> run_container_diff(Invocation& invocation);
Result<int> run_container_prune(Invocation& invocation);
Result<int> run_container_rename(Invocation& invocation);
Result<int> run_container_run(Invocation& invocation);
Result<int> run_container_update(Invocation& invocation);
Result<int> run_container_wait(Invocation& invocation);
Result<int> run_plugin_metadata(Invocation& invocation);
Result<int> run_system_df(Invocation& invocation);
Result<int> run_system_info(Invocation& invocation);
Result<int> run_system_prune(Invocation& invocation);
Result<int> run_viz(Invocation& invocation);

Result<int> run_image_history(Invocation& invocation);
Result<int> run_image_import(Invocation& invocation);
Result<int> run_image_inspect(Invocation& invocation);
Result<int> run_image_list(Invocation& invocation);
Result<int> run_image_load(Invocation& invocation);
Result<int> run_image_prune(Invocation& invocation);
Result<int> run_image_pull(Invocation& invocation);
Result<int> run_image_push(Invocation& invocation);
Result<int> run_image_rm(Invocation& invocation);
Result<int> run_image_save(Invocation& invocation);
Result<int> run_image_tag(Invocation& invocation);
Result<int> run_login(Invocation& invocation);
Result<int> run_logout(Invocation& invocation);

Result<int> run_job_cancel(Invocation& invocation);
Result<int> run_job_inspect(Invocation& invocation);
Result<int> run_job_list(Invocation& invocation);
Result<int> run_job_logs(Invocation& invocation);
Result<int> run_job_pause(Invocation& invocation);
Result<int> run_job_prune(Invocation& invocation);
Result<int> run_job_resume(Invocation& invocation);
Result<int> run_job_rm(Invocation& invocation);
Result<int> run_job_run(Invocation& invocation);
Result<int> run_job_runs(Invocation& invocation);
Result<int> run_job_wait(Invocation& invocation);

Result<int> run_network_connect(Invocation& invocation);
Result<int> run_network_create(Invocation& invocation);
Result<int> run_network_disconnect(Invocation& invocation);
Result<int> run_network_inspect(Invocation& invocation);
Result<int> run_network_list(Invocation& invocation);
Result<int> run_network_prune(Invocation& invocation);
Result<int> run_network_rm(Invocation& invocation);
Result<int> run_runtime_create(Invocation& invocation);
Result<int> run_runtime_delete(Invocation& invocation);
Result<int> run_runtime_events(Invocation& invocation);
Result<int> run_runtime_exec(Invocation& invocation);
Result<int> run_runtime_features(Invocation& invocation);
Result<int> run_runtime_kill(Invocation& invocation);
Result<int> run_runtime_list(Invocation& invocation);
Result<int> run_runtime_pause(Invocation& invocation);
Result<int> run_runtime_ps(Invocation& invocation);
Result<int> run_runtime_resume(Invocation& invocation);
Result<int> run_runtime_run(Invocation& invocation);
Result<int> run_runtime_spec(Invocation& invocation);
Result<int> run_runtime_start(Invocation& invocation);
Result<int> run_runtime_state(Invocation& invocation);
Result<int> run_runtime_update(Invocation& invocation);

Result<int> run_volume_clone(Invocation& invocation);
Result<int> run_volume_create(Invocation& invocation);
Result<int> run_volume_export(Invocation& invocation);
Result<int> run_volume_import(Invocation& invocation);
Result<int> run_volume_inspect(Invocation& invocation);
Result<int> run_volume_list(Invocation& invocation);
Result<int> run_volume_prune(Invocation& invocation);
Result<int> run_volume_rm(Invocation& invocation);

Result<int> run_internal_boot(Invocation& invocation);
Result<int> run_internal_shutdown(Invocation& invocation);
Result<int> run_internal_complete(Invocation& invocation);
Result<int> run_internal_completion(Invocation& invocation);
Result<int> run_internal_enter(Invocation& invocation);
Result<int> run_internal_man(Invocation& invocation);
Result<int> run_internal_reference(Invocation& invocation);
Result<int> run_internal_remove_ended(Invocation& invocation);
Result<int> run_internal_run_job(Invocation& invocation);
Result<int> run_internal_sweep(Invocation& invocation);

}  // namespace consort::cli
