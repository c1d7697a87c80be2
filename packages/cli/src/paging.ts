/** All entries of a paged list, page after page until the token is empty. */
export async function allPages<Entry>(
  fetchPage: (pageToken: string) => Promise<{ readonly entries: readonly Entry[]; readonly nextPageToken: string }>,
): Promise<Entry[]> {
  const all: Entry[] = [];
  let pageToken = '';
  do {
    const page = await fetchPage(pageToken);
    all.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}
