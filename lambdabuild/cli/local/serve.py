"""The command `serve`: flags to options."""

from lambdabuild.cli.opening import opened, settle
from lambdabuild.cli.options import Options
from lambdabuild.core.record import replaced
from lambdabuild.local.debugging.debuggers import Debuggers, Wanted
from lambdabuild.serve import ServeOptions, serve
from lambdabuild.survey.session import Session


def run(options: Options, chosen: ServeOptions, debugged: Wanted) -> None:
    """Serve functions until the user stops it."""

    def reopen(session: Session) -> Session:
        working, untrusted = session.paths.working, session.settings.untrusted
        project, found = settle(working, options, session.tools.environment, untrusted=untrusted)
        return session.under(found, project)

    with opened(options) as session:
        serve(session, replaced(chosen, debuggers=Debuggers.of(debugged, session)), reopen)
