//! The PowerShell scripts that are shipped, held against an independent grammar and our own rules.
//! No PowerShell is to be had here: that they parse and what they name is all that can be shown.

use detente_machine::{hyperv_inventory, kit};
use tree_sitter::{Node, Parser, Tree};

const SCRIPTS: [(&str, &str); 2] = [
    ("New-DetenteVM.ps1", kit::SCRIPT),
    ("Get-DetenteInventory.ps1", hyperv_inventory::SCRIPT),
];

/// Commands that are not Hyper-V's: of PowerShell itself, and our own functions.
const PLAIN: [&str; 20] = [
    "ConvertFrom-Json",
    "ConvertTo-Json",
    "Copy-Item",
    "ForEach-Object",
    "Get-CimInstance",
    "Get-Command",
    "Get-FileHash",
    "Get-Item",
    "Invoke-CimMethod",
    "Join-Path",
    "New-Object",
    "Remove-Item",
    "Select-Object",
    "Set-StrictMode",
    "Test-Path",
    "Where-Object",
    // Each of the scripts' own is found in it, below.
    "Assert-That",
    "Read-Kit",
    "Get-Value",
    "Get-Name",
];

fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_powershell::LANGUAGE.into())
        .expect("the grammar fits the parser");
    parser.parse(text, None).expect("no time limit was set")
}

fn walk<'t>(node: Node<'t>, visit: &mut dyn FnMut(Node<'t>)) {
    visit(node);
    for index in 0..node.child_count() {
        walk(node.child(index).expect("it was counted"), visit);
    }
}

/// The texts of all nodes of a kind.
fn all<'t>(tree: &Tree, text: &'t str, kind: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    walk(tree.root_node(), &mut |node| {
        if node.kind() == kind {
            found.push(&text[node.byte_range()]);
        }
    });
    found
}

#[test]
fn the_scripts_are_powershell() {
    for (name, text) in SCRIPTS {
        let tree = parse(text);
        let mut errors = Vec::new();
        walk(tree.root_node(), &mut |node| {
            if node.is_error() || node.is_missing() {
                errors.push((node.start_position(), &text[node.byte_range()]));
            }
        });
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert!(text.is_ascii(), "{name}: other readers guess the encoding");
    }
}

#[test]
fn spoiled_scripts_are_not() {
    for (name, text) in SCRIPTS {
        for (from, to) in [
            ("try {", "try "),
            ("foreach (", "foreach "),
            ("if (", "if "),
            ("'Stop'", "'Stop"),
            ("function ", "function { "),
            ("param(", "param("),
        ] {
            let spoiled = text.replacen(from, to, 1);
            if spoiled == text {
                continue;
            }
            assert!(
                parse(&spoiled).root_node().has_error(),
                "{name}: {from} became {to}"
            );
        }
    }
}

#[test]
fn every_command_says_whose_it_is() {
    for (name, text) in SCRIPTS {
        let tree = parse(text);
        let own = all(&tree, text, "function_name");
        for command in all(&tree, text, "command_name") {
            let known = PLAIN.contains(&command) || own.contains(&command);
            let hypervs = command.starts_with(r"Hyper-V\");
            assert!(known || hypervs, "{name}: {command}");
        }
        assert!(own.len() > 5, "{name}: {own:?}");
    }
}

#[test]
fn nothing_that_was_given_becomes_code() {
    for (name, text) in SCRIPTS {
        let lower = text.to_lowercase();
        for word in [
            "invoke-expression",
            "iex ",
            "invoke-command",
            "scriptblock",
            "[powershell]",
            "add-type",
            "start-process",
            "-encodedcommand",
            "import-module",
            "dot-source",
        ] {
            assert!(!lower.contains(word), "{name}: {word}");
        }
        // What is called by a variable is what a variable says.
        for command in all(&parse(text), text, "command") {
            assert!(!command.starts_with(['&', '.']), "{name}: {command}");
        }
    }
}

#[test]
fn paths_are_taken_literally() {
    for (name, text) in SCRIPTS {
        for command in all(&parse(text), text, "command") {
            let takes_wildcards = [
                "Test-Path",
                "Get-Item",
                "Get-FileHash",
                "Copy-Item",
                "Remove-Item",
            ];
            if takes_wildcards.iter().any(|own| command.starts_with(own)) {
                assert!(command.contains("-LiteralPath"), "{name}: {command}");
            }
            // Names take wildcards, too: machines are looked up by what they are.
            if command.starts_with(r"Hyper-V\Get-VM ") {
                assert!(!command.contains("-Name"), "{name}: {command}");
            }
        }
    }
}

#[test]
fn the_scripts_begin_alike() {
    for (name, text) in SCRIPTS {
        for line in [
            "#requires -Version 5.1",
            "#requires -Modules Hyper-V",
            "Set-StrictMode -Version 2.0",
            "$ErrorActionPreference = 'Stop'",
            "$ProgressPreference = 'SilentlyContinue'",
            "[System.Threading.Thread]::CurrentThread.CurrentCulture = \
             [System.Globalization.CultureInfo]::InvariantCulture",
        ] {
            assert!(text.lines().any(|own| own == line), "{name}: {line}");
        }
    }
}

/// The inventory asks and never sets.
#[test]
fn the_inventory_only_asks() {
    let text = hyperv_inventory::SCRIPT;
    for command in all(&parse(text), text, "command_name") {
        let verb = command.trim_start_matches(r"Hyper-V\").split('-').next();
        let reads = matches!(
            verb,
            Some("Get" | "ConvertTo" | "ForEach" | "Where" | "Select")
        );
        assert!(reads || command == "Set-StrictMode", "{command}");
    }
    assert_eq!(text.matches("WriteAllText($full, $json)").count(), 1);
}

/// The kit's script makes machines and removes its own: nothing else of the host is touched.
#[test]
fn the_kit_touches_its_own_machine_only() {
    let text = kit::SCRIPT;
    for command in all(&parse(text), text, "command") {
        let Some(hypervs) = command.strip_prefix(r"Hyper-V\") else {
            continue;
        };
        if hypervs.starts_with("Get-") || hypervs.starts_with("New-VM ") {
            continue;
        }
        let own = [
            "-VM $VM",
            "-VM $vm",
            "@parameters",
            "-VMNetworkAdapter $",
            "-VMDvdDrive $",
            "-VMIntegrationService $",
        ];
        assert!(own.iter().any(|own| command.contains(own)), "{command}");
        assert!(
            command.contains("-Confirm:$false"),
            "it was asked once already: {command}"
        );
    }
    for word in [
        "Start-VM",
        "Stop-VM",
        "Set-VMHost",
        "VMSwitch -",
        "Remove-VMSwitch",
    ] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn what_it_made_is_removed_if_it_fails() {
    let text = kit::SCRIPT;
    let tree = parse(text);
    let catches = all(&tree, text, "catch_clause");
    let [catch] = catches.as_slice() else {
        panic!("one try, and one catch: {catches:?}");
    };
    for part in [
        r"Hyper-V\Remove-VM -VM $vm -Force",
        "Remove-Item -LiteralPath $file",
        "throw",
    ] {
        assert!(catch.contains(part), "{part}");
    }
    let made = text.find("$vm = New-Machine").expect("it makes a machine");
    let asked = text.find("$PSCmdlet.ShouldProcess").expect("it asks first");
    assert!(asked < made);
}
