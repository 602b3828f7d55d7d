import "./styles/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { transport } from "./ipc/api";

const target = document.getElementById("app");
if (target) mount(App, { target });

// Two frames: the first one lays out, and in the second it is on the screen.
requestAnimationFrame(() => requestAnimationFrame(() => void transport.shell?.painted()));
