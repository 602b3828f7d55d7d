//! `stigmer image`: what images there are, and what is done with them.

mod tables;

pub(crate) use tables::{age, ago};

use serde_json::json;
use stigmer_engine::Error;
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::image::{custom, tiers};
use stigmer_engine::size::decimal_size;
use stigmer_engine::spec::{Build, BuildSource, Customize, ImageTask, Mode, RunSpec, Target, Work};

use crate::args::{BuildOptions, CustomizeOptions, ImageArguments, ImageCommand};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};
use crate::run::{Attachment, Carrier, attach};
use crate::runs::counted;

/// Carries out `stigmer image`.
pub(crate) async fn image(
    arguments: ImageArguments,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let command = arguments.command.unwrap_or(ImageCommand::List { json: arguments.json });
    let (task, json) = match command {
        ImageCommand::Build(options) => (ImageTask::Build(build(&options)?), options.json),
        ImageCommand::Pull(task) => (ImageTask::Pull { image: task.image }, task.json),
        ImageCommand::Push(task) => (ImageTask::Push { image: task.image }, task.json),
        ImageCommand::Verify { task, tier } => {
            (ImageTask::Verify { image: named(task.image), tier }, task.json)
        }
        ImageCommand::Customize(options) => {
            let (dry_run, json) = (options.dry_run, options.json);
            let task = customize(*options);
            if dry_run {
                answer(custom::dockerfile(&task, "")?.trim_end())?;
                return Ok(Exit::Success);
            }
            (ImageTask::Customize(task), json)
        }
        command => {
            let engine = crate::run::open(sources, output).await?;
            return quick(&engine, command, output).await;
        }
    };
    carry_out(task, json, sources, output).await
}

/// Something that takes its time: a run that we watch.
async fn carry_out(task: ImageTask, json: bool, sources: Sources, output: &Output) -> Result<Exit, Failure> {
    let workspace = std::env::current_dir().map_err(|source| Error::Folder { path: ".".into(), source })?;
    let spec =
        RunSpec { target: Target::mode(Mode::Sandbox), ..RunSpec::new(Work::Image { task }, workspace) };
    let mut carrier = Carrier::new(sources);
    let attachment = Attachment { json, stdin: false };
    let exit = attach(&mut carrier, spec, attachment, std::future::pending(), output).await;
    carrier.close().await;
    exit
}

/// What is done at once.
async fn quick(engine: &Engine, command: ImageCommand, output: &Output) -> Result<Exit, Failure> {
    let (docker, wish) = engine.docker(None)?;
    match command {
        ImageCommand::List { json } => {
            let images = docker.images(&wish).await?;
            if json {
                answer(&lines(&images))?;
            } else if images.is_empty() {
                output.note(Tone::Dim, "no images; `stigmer image build basic` makes one");
            } else {
                answer(&tables::images(&images, output))?;
            }
        }
        ImageCommand::Tiers { dockerfile: Some(name), .. } => {
            answer(tiers::dockerfile(tiers::find(&name)?).trim_end())?;
        }
        ImageCommand::Tiers { json, .. } => {
            let images = docker.images(&wish).await?;
            answer(&tables::tiers(&images, json, output))?;
        }
        ImageCommand::Show { image, json } => {
            let detail = docker.image_detail(&wish, &named(image)).await?;
            answer(&if json { json!(detail).to_string() } else { tables::detail(&detail, output) })?;
        }
        ImageCommand::Compare { before, after, json } => {
            let (before, after) = (named(before), named(after));
            let (one, other) =
                (docker.image_detail(&wish, &before).await?, docker.image_detail(&wish, &after).await?);
            for (name, detail) in [(&before, &one), (&after, &other)] {
                if detail.image.kept.verified.is_none() {
                    let hint = format!("stigmer image verify {name}");
                    return Err(Failure::usage(format!("the tools of `{name}` are not known"), hint));
                }
            }
            answer(&tables::comparison(&one.image, &other.image, json, output))?;
        }
        ImageCommand::History { name, json } => {
            let versions: Vec<_> = docker
                .images(&wish)
                .await?
                .into_iter()
                .filter(|image| tables::is_version(image, &name))
                .collect();
            if versions.is_empty() {
                return Err(Error::ImageNotFound { image: name }.into());
            }
            answer(&if json { lines(&versions) } else { tables::history(&versions, output) })?;
        }
        ImageCommand::Tag { image, name } => {
            docker.tag_image(&wish, &named(image), &name).await?;
            output.note(Tone::Dim, format_args!("named {name}"));
        }
        ImageCommand::Note { image, text } => docker.note_image(&wish, &named(image), &text).await?,
        ImageCommand::Rm { images, force } => {
            for image in images {
                let removed = docker.remove_image(&wish, &image, force).await?;
                let what = if removed.deleted.is_empty() { "took the name off" } else { "removed" };
                output.note(Tone::Dim, format_args!("{what} {image}"));
            }
        }
        ImageCommand::Prune { unused, yes, json } => {
            let all = docker.prunable_images(&wish, unused).await?;
            if json {
                answer(&lines(&all))?;
            } else if all.is_empty() {
                output.note(Tone::Dim, "nothing is there that is not needed");
            } else {
                answer(&tables::prunable(&all, output))?;
            }
            let bytes = all.iter().map(|image| image.size).sum();
            if yes {
                let count = all.len();
                for image in all {
                    docker.remove_image(&wish, &image.id, true).await?;
                }
                output.note(Tone::Dim, format_args!("removed {}", counted(count, "image")));
            } else if !all.is_empty() {
                let most = decimal_size(bytes);
                output.note(Tone::Dim, format_args!("at most {most} would be free; --yes removes them"));
            }
        }
        ImageCommand::Df { json } => {
            let used = docker.disk_use(&wish).await?;
            answer(&if json { json!(used).to_string() } else { tables::disk(&used, output) })?;
        }
        ImageCommand::Build(_)
        | ImageCommand::Pull(_)
        | ImageCommand::Push(_)
        | ImageCommand::Verify { .. }
        | ImageCommand::Customize(_) => {}
    }
    Ok(Exit::Success)
}

/// A tier by its name, or an image by its own.
fn named(image: String) -> String {
    tiers::find(&image).map_or(image, |tier| tier.tag.to_owned())
}

fn build(options: &BuildOptions) -> Result<Build, Failure> {
    let absolute = |path: &std::path::Path| std::path::absolute(path).map_err(Failure::from);
    let source = match (&options.tier, &options.folder) {
        (_, Some(folder)) => {
            BuildSource::Folder { path: absolute(folder)?, dockerfile: options.dockerfile.clone() }
        }
        (tier, None) => BuildSource::Tier(tiers::find(tier.as_deref().unwrap_or("basic"))?.name.to_owned()),
    };
    let arg = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{text}` is no build argument"), "write --build-arg NAME=VALUE")
        })?;
        Ok::<_, Failure>((name.to_owned(), value.to_owned()))
    };
    Ok(Build {
        source,
        tags: options.tag.clone(),
        target: options.target.clone(),
        args: options.build_arg.iter().map(arg).collect::<Result<_, _>>()?,
        no_cache: options.no_cache,
        pull: options.pull,
        network: options.network.clone(),
        platform: options.platform.clone(),
        certificates: options.certificates.as_deref().map(absolute).transpose()?,
    })
}

fn customize(options: CustomizeOptions) -> Customize {
    let CustomizeOptions { base, name, apt, pip, npm, .. } = options;
    Customize { base: named(base), name, apt, pip, npm }
}

fn lines<T: serde::Serialize>(all: &[T]) -> String {
    all.iter().map(|one| json!(one).to_string()).collect::<Vec<_>>().join("\n")
}
