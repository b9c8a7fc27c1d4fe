//! The table of server functions: which of them must not be carried out twice.

use leptos::server_fn::ServerFn;

use crate::{account, admin, consent, enrolment, login, passkeys};

/// Declares [`ACTIONS`] and [`is_done_once`] from one table.
macro_rules! actions {
    (once { $($once:path;)+ } repeatable { $($repeatable:path;)+ }) => {
        /// The paths of all server functions.
        pub const ACTIONS: &[&str] = &[
            $(<$once as ServerFn>::PATH,)+
            $(<$repeatable as ServerFn>::PATH,)+
        ];

        /// Whether what is posted to this path must not be carried out twice.
        pub fn is_done_once(path: &str) -> bool {
            [$(<$once as ServerFn>::PATH),+].contains(&path)
        }
    };
}

actions! {
    // They use something up, end something, or show something once.
    once {
        account::actions::ChangeEmail;
        account::actions::ChangePassword;
        account::actions::MakeRecoveryCodes;
        account::actions::RemovePasskey;
        account::actions::RemovePassword;
        account::connection_actions::Disconnect;
        account::connection_actions::DisconnectAll;
        account::connection_actions::EndOtherSessions;
        account::connection_actions::EndSession;
        admin::actions::AddClient;
        admin::actions::DisconnectClient;
        admin::actions::Invite;
        admin::actions::RemoveAccount;
        admin::actions::RemoveClient;
        admin::actions::ResetAccount;
        admin::actions::RevokeKey;
        admin::actions::RotateKeys;
        admin::actions::WithdrawLink;
        enrolment::actions::AcceptInvitation;
        login::actions::Recover;
        passkeys::actions::FinishAcceptWithPasskey;
        passkeys::actions::FinishAddingPasskey;
        passkeys::actions::FinishPasskeySignIn;
    }
    // They do no harm when they are repeated, or judge repetition themselves: guesses at passwords
    // are limited, and a consent remembers its answer.
    repeatable {
        account::actions::DeclinePasskey;
        account::actions::RenamePasskey;
        admin::actions::AddRedirectUri;
        admin::actions::BlockHost;
        admin::actions::DisableAccount;
        admin::actions::EnableAccount;
        admin::actions::SetRole;
        admin::actions::UnblockHost;
        consent::actions::DecideConsent;
        login::actions::SignIn;
        login::actions::SignOut;
        passkeys::actions::StartAcceptWithPasskey;
        passkeys::actions::StartAddingPasskey;
        passkeys::actions::StartPasskeySignIn;
    }
}
