//! Masking, against a definition that is slow and plain.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn masks(values: &[&str]) -> Masks {
    Masks::new(values.iter().map(|value| value.as_bytes()))
}

/// Everything that comes out when the text comes in these chunks.
fn masked(masks: &Masks, chunks: &[&[u8]]) -> String {
    let mut masker = masks.masker();
    let mut out: Vec<u8> = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&masker.push(Bytes::copy_from_slice(chunk)));
    }
    out.extend_from_slice(&masker.finish());
    String::from_utf8_lossy(&out).into_owned()
}

/// In one piece and byte by byte, which must be the same.
fn whole(values: &[&str], text: &str) -> String {
    let masks = masks(values);
    let at_once = masked(&masks, &[text.as_bytes()]);
    let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
    assert_eq!(masked(&masks, &bytes), at_once);
    at_once
}

#[test]
fn values_are_replaced_wherever_they_stand() {
    assert_eq!(whole(&["hunter2"], "hunter2 ahunter2b hunter hunter2"), "*** a***b hunter ***");
    assert_eq!(whole(&["abc", "bcd"], "abcd bcd"), "***d ***");
    assert_eq!(whole(&["abc", "abcdef"], "abcdef abcde abc"), "*** ***de ***");
    assert_eq!(whole(&["abcdef", "cde", "def"], "abcdeX"), "ab***X");
    assert_eq!(whole(&["aaa"], "aaaaaaaa"), "******aa");
}

#[test]
fn nothing_but_the_beginning_of_a_secret_is_held_back() {
    let mut masker = masks(&["secret"]).masker();
    assert_eq!(masker.push("Password: ".into()), "Password: ");
    assert_eq!(masker.push("the sec".into()), "the ");
    assert_eq!(masker.push("ond".into()), "second");
    assert_eq!(masker.push("secre".into()), "");
    assert_eq!(masker.push("tsec".into()), "***");
    assert_eq!(masker.finish(), "sec");
    assert_eq!(masker.finish(), "");
}

#[test]
fn a_chunk_without_secrets_is_not_copied() {
    let chunk = Bytes::from("nothing to see, apart from s".repeat(100));
    for masks in [Masks::default(), masks(&["secret"])] {
        let out = masks.masker().push(chunk.clone());
        assert_eq!(out.as_ptr(), chunk.as_ptr());
    }
}

#[test]
fn values_too_short_to_mask_are_reported() {
    let masks = masks(&["", "hunter2", "ab", "ab\r\n", "abc\n"]);
    assert_eq!(masks.unmasked(), [0, 2, 3]);
    assert_eq!(masked(&masks, &[b"ab abc\nhunter2"]), "ab ***\n***");
}

#[test]
fn a_key_is_masked_whole_line_by_line_and_as_a_terminal_prints_it() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n  kqhkiG9w0BAQ\nshort\n-----END KEY-----\n";
    assert_eq!(whole(&[key], &format!("key: {key}done")), "key: ***\ndone");
    assert_eq!(whole(&[key], &key.replace('\n', "\r\n")), "***\r\n");
    assert_eq!(whole(&[&key.replace('\n', "\r\n")], key), "***\n");
    assert_eq!(whole(&[key], "> MIIEvQIBADANBg\n>   kqhkiG9w0BAQ\n> short\n"), "> ***\n>   ***\n> short\n");
}

#[test]
fn debug_output_shows_no_secret() {
    let masks = masks(&["hunter2", "x"]);
    let mut masker = masks.masker();
    masker.push("hunter".into());
    assert!(!format!("{masks:?} {masker:?}").contains("hunter"));
}

#[test]
fn a_large_secret_byte_by_byte_is_found() {
    let large = "0123456789abcdef".repeat(512);
    assert_eq!(whole(&[&large], &format!("<{large}>")), "<***>");
}

/// The pieces that are left when the leftmost and longest pattern is cut out, again and again.
fn pieces<'a>(patterns: &[Vec<u8>], text: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let longest = patterns.iter().filter(|p| text[at..].starts_with(p)).map(Vec::len).max();
        match longest {
            Some(length) => {
                pieces.push(&text[start..at]);
                at += length;
                start = at;
            }
            None => at += 1,
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Few letters, so that secrets overlap, repeat and begin within each other.
fn words() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(b"aab\n\r*".to_vec()), 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn however_the_text_is_cut_the_same_comes_out(
        secrets in vec(words(), 0..4),
        texts in vec(words(), 0..4),
        order in vec((any::<bool>(), 0..4_usize), 0..8),
        cuts in vec(1..9_usize, 0..60),
    ) {
        let mut text = Vec::new();
        for (secret, index) in order {
            let from = if secret { &secrets } else { &texts };
            text.extend(from.get(index).into_iter().flatten());
        }
        let masks = Masks::new(secrets.iter().map(Vec::as_slice));
        let mut masker = masks.masker();
        let (mut out, mut rest): (Vec<u8>, _) = (Vec::new(), text.as_slice());
        for cut in cuts.iter().chain(std::iter::repeat(&9)) {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at(rest.len().min(*cut));
            out.extend_from_slice(&masker.push(Bytes::copy_from_slice(chunk)));
            rest = after;
            let longest = masks.patterns.iter().flat_map(|p| &p.each).map(|p| p.pattern.len()).max();
            prop_assert!(masker.held.len() < longest.unwrap_or(1));
        }
        out.extend_from_slice(&masker.finish());

        let patterns: Vec<_> =
            masks.patterns.iter().flat_map(|p| &p.each).map(|p| p.pattern.clone()).collect();
        let left = pieces(&patterns, &text);
        // Large sets go another way, which is to be the same.
        if !patterns.is_empty() {
            let automaton =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).unwrap();
            let found = automaton.find_iter(&text).count();
            prop_assert_eq!(found, left.len() - 1);
        }
        prop_assert_eq!(out, left.join(MASK));
        for (index, secret) in secrets.iter().enumerate() {
            let is_left = left.iter().any(|piece| piece.windows(secret.len().max(1)).any(|at| at == secret));
            prop_assert!(!is_left || masks.unmasked().contains(&index));
        }
    }
}
