"""What stands around the content of every page of 38: menus, tabs, news, links of other lists with other numbers."""

_TABS = ("k", "r", "r1", "nw", "ir")


def page(content: str) -> str:
    """A whole page; tables in tables, as the site builds them."""
    tabs = "".join(f'<td id="tap{n}" onmousedown="ipogo(\'{tab}\')">탭{n}</td>' for n, tab in enumerate(_TABS, 1))
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">\n<html><head>\n'
        '<meta http-equiv=Content-type content="text/html; charset=euc-kr">\n'
        '<meta http-equiv="Content-Security-Policy" content="upgrade-insecure-requests">\n'
        "<title>IPO공모 &gt; 공모주 청약일정</title><script>function ipogo(o){location='?o='+o}</script></head><body>\n"
        f'<table width="980"><tr>{tabs}</tr><tr><td><a href="/html/fund/?o=v&no=9001">07/06 메뉴의링크</a></td>'
        '<td><a href="/html/ipo/ipo.htm?o=v&key=2&no=3537">장외 종목</a></td></tr>\n<tr><td colspan=9>\n'
        f"{content}\n</td></tr></table>\n"
        '<table><tr><td><b>뉴스<a href="/html/news/?o=v&m=kosdaq&no=1800001">공모주 소식</a></td></tr></table>\n</body></html>\n'
    )
