//! The tray: the state of everything at a glance, and what can be done without a window.

mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use stigmer_engine::Report;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Base, Origin, RunId};
use tauri::async_runtime::spawn;
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry, include_image};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};

use self::view::{Line, Mood, View};
use crate::core::Core;
use crate::{quit, window};

/// Time between two looks while much happens: a menu that is made anew under the pointer is no menu.
const PAUSE: Duration = Duration::from_millis(300);

/// Runs looked at to find the recent commands.
const LATEST: u32 = 40;

const STATES_GOING_ON: [&str; 3] = ["queued", "preparing", "running"];

/// Puts the tray up and keeps it true, as soon as there is an engine. Without a tray the app works all the same.
pub(crate) fn begin(app: &AppHandle) {
    // On Linux the library that shows it is loaded now, and panics when it is not installed.
    let tray = match catch_unwind(AssertUnwindSafe(|| Tray::build(app))) {
        Ok(Ok(tray)) => tray,
        Ok(Err(error)) => return tracing::warn!(%error, "there is no tray"),
        Err(_) => return tracing::warn!("there is no tray: libayatana-appindicator3 is not installed"),
    };
    let app = app.clone();
    spawn(async move {
        let ready = app.state::<Core>().ready();
        if let Ok(ready) = ready.await {
            tray.follow(&app, ready.engine).await;
        }
    });
}

/// The tray and what it shows now.
struct Tray {
    icon: TrayIcon,
    status: MenuItem<Wry>,
    shown: View,
}

impl Tray {
    fn build(app: &AppHandle) -> tauri::Result<Self> {
        let shown = View::of(&[], &[]);
        let (menu, status) = menu(app, &shown)?;
        let icon = TrayIconBuilder::with_id("main")
            .icon(picture(shown.mood))
            .tooltip("Stigmer")
            .menu(&menu)
            .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
            .build(app)?;
        Ok(Self { icon, status, shown })
    }

    /// Shows every change of the history. Costs nothing while there is none.
    async fn follow(mut self, app: &AppHandle, engine: Engine) {
        let mut changes = engine.changes();
        loop {
            match look(&engine).await {
                Ok(view) => {
                    if let Err(error) = self.show(app, view) {
                        tracing::warn!(%error, "the tray cannot be changed");
                    }
                }
                Err(error) => tracing::warn!(%error, "the tray does not know what runs"),
            }
            tokio::time::sleep(PAUSE).await;
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// A new menu closes one that is open, so it comes only with another list; for the rest texts change.
    fn show(&mut self, app: &AppHandle, view: View) -> tauri::Result<()> {
        if (&view.running, &view.recent) != (&self.shown.running, &self.shown.recent) {
            let (menu, status) = menu(app, &view)?;
            self.icon.set_menu(Some(menu))?;
            self.status = status;
        } else if view.status != self.shown.status {
            self.status.set_text(&view.status)?;
        }
        if view.mood != self.shown.mood {
            self.icon.set_icon(Some(picture(view.mood)))?;
        }
        self.shown = view;
        Ok(())
    }
}

async fn look(engine: &Engine) -> stigmer_engine::Result<View> {
    let going_on = Filter { states: STATES_GOING_ON.map(str::to_owned).to_vec(), ..Filter::default() };
    let running = engine.list(going_on).await?;
    let latest = engine.list(Filter { limit: LATEST, ..Filter::default() }).await?;
    Ok(View::of(&running, &latest))
}

fn picture(mood: Mood) -> Image<'static> {
    match mood {
        Mood::Idle => include_image!("icons/tray-idle.png"),
        Mood::Running => include_image!("icons/tray-running.png"),
        Mood::Failed => include_image!("icons/tray-failed.png"),
    }
}

/// The menu, and the line of it that changes most.
fn menu(app: &AppHandle, view: &View) -> tauri::Result<(Menu<Wry>, MenuItem<Wry>)> {
    let status = MenuItemBuilder::with_id("status", &view.status).enabled(false).build(app)?;
    let mut menu = MenuBuilder::new(app).text("open", "Open Stigmer").separator().item(&status);
    for Line { run, label } in &view.running {
        menu = menu.text(format!("stop {run}"), label);
    }
    if !view.recent.is_empty() {
        let mut again = SubmenuBuilder::new(app, "Run again");
        for Line { run, label } in &view.recent {
            again = again.text(format!("again {run}"), label);
        }
        menu = menu.item(&again.build()?);
    }
    Ok((menu.separator().text("quit", "Quit").build()?, status))
}

/// An item of the menu was chosen.
fn chosen(app: &AppHandle, item: &str) {
    let run = |id: &str| id.parse::<RunId>().ok();
    match item.split_once(' ') {
        None if item == "open" => window::show(app),
        None if item == "quit" => quit::ask(app),
        Some(("stop", id)) => {
            if let Some(id) = run(id) {
                with_engine(app, async move |engine| engine.stop(id, Stop::Ask(Manner::Terminate)).await);
            }
        }
        Some(("again", id)) => {
            if let Some(id) = run(id) {
                let again = async move |engine: Engine| {
                    engine.rerun(id, None, Origin::Tray, Base::LoginShell).await.map(drop)
                };
                with_engine(app, again);
            }
        }
        _ => tracing::warn!(item, "the menu has an item that nobody knows"),
    }
}

/// Does something with the engine, and says so if it fails.
fn with_engine<F>(app: &AppHandle, work: impl FnOnce(Engine) -> F + Send + 'static)
where
    F: Future<Output = stigmer_engine::Result<()>> + Send,
{
    let app = app.clone();
    spawn(async move {
        let ready = app.state::<Core>().ready();
        let done = match ready.await {
            Ok(ready) => work(ready.engine).await.map_err(Report::from),
            Err(report) => Err(report),
        };
        if let Err(report) = done {
            let text =
                [Some(report.message), report.hint].into_iter().flatten().collect::<Vec<_>>().join("\n\n");
            app.dialog().message(text).title("Stigmer").kind(MessageDialogKind::Error).show(|_| {});
        }
    });
}
