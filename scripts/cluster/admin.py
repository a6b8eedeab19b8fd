"""Making an admin of the shop on the cluster."""

from cluster import inside
from cluster.kubectl import ClusterError
from shop.create_admin import checked, parser, password_of
from shop.errors import Invalid
from shop.settings import Settings


def create(arguments: list[str]) -> int:
    """Make one in a Job beside the database; its password goes there in a Secret, for that while.

    Returns the exit status.
    """
    given = parser().parse_args(arguments)
    password, made_up = password_of(Settings())
    try:
        checked(given.email, given.name, password)
    except Invalid as error:
        raise ClusterError(str(error)) from None
    secret = {"ADMIN_PASSWORD": password}
    status = inside.run("shop.create_admin", arguments, area="identity", secret=secret)
    if made_up and status == 0:
        print(f"Password, shown this once: {password}")
    return status
